"""The Hypothesis profiles: how many examples a property is tried with.

`make test` uses `default` and `make long` `long`;
`make test ARGS="--hypothesis-profile=thorough"` tries most. Each run tries others, but
for `default` in CI, which would blame a change for what its luck has found; what is
rare is for `make long`.
No profile measures time, which on a busy machine says nothing about the code.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

PROFILES = {
    "default": 12,  # of `make test`
    "long": 100,
    "mutants": 100,  # of `make mutants`: a change has to be noticed at each try
    "thorough": 1_000,
}
#: What a busy machine, or the luck of the draw, lets fail.
BY_CHANCE = [
    *(HealthCheck.too_slow, HealthCheck.filter_too_much),
    *(HealthCheck.data_too_large, HealthCheck.large_base_example),
]


def register() -> None:
    """Register the profiles and load the default one.

    A profile named on the command line is loaded after this.
    """
    for name, count in PROFILES.items():
        settings.register_profile(
            name,
            max_examples=count,
            deadline=None,
            derandomize=name == "default" and os.environ.get("CI") == "true",
            print_blob=True,
            suppress_health_check=BY_CHANCE,
        )
    settings.load_profile("default")


def scaled(factor: float) -> int:
    """Return a multiple of the number of examples that the profile asks for."""
    return max(1, round(settings.default.max_examples * factor))
