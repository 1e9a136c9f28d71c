"""The OpenAPI document says what the API does: schemathesis tries both."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.deciding import SANDBOX, asked, request_of
from tests.support.demo import MINA
from tests.support.http_api import TOKENS, Api
from tests.support.hypothesis_profiles import scaled
from tests.support.outside_agent import SETTINGS as AGENTS
from tests.support.outside_agent import TOKEN
from tests.support.stage import Stage

if TYPE_CHECKING:
    from schemathesis import Case

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {**SANDBOX, **AGENTS, "RATE_LIMIT": "off"}
# What fits the shape may still be no word on this request: its arguments are a tool's.
NOT_HERE = ("positive_data_acceptance",)
# A hook of Claude Code denies with 200: it runs the tool on any answer that is no 2xx.
NOT_FOR_HOOKS = ("negative_data_rejection", "ignored_auth")


def headers(path: str) -> dict[str, str]:
    """Of an agent outside where those ask, else of a person."""
    outside = path.startswith(("/api/requests", "/api/hooks"))
    token = TOKEN if outside else TOKENS[MINA]
    return {"Authorization": f"Bearer {token}"}


def walk(document: dict[str, Any], url: str, approval: str) -> set[str]:
    """Try every operation, with an approval that is there and without."""
    import schemathesis  # a second of CPU, in each worker that collects this

    schema = schemathesis.openapi.from_dict(document)
    found = [each.ok() for each in schema.get_all_operations()]
    for operation in found:
        try_out(operation, url, approval)
    return {f"{each.method.upper()} {each.path}" for each in found}


def try_out(operation: Any, url: str, approval: str) -> None:
    from schemathesis.checks import CHECKS

    is_hook = "/hooks/" in operation.path
    left_out = (*NOT_HERE, *(NOT_FOR_HOOKS if is_hook else ()))
    checks = CHECKS.get_all()
    skipped = [check for check in checks if check.__name__ in left_out]

    @settings(
        max_examples=scaled(1 / 5),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def conforms(case: Case) -> None:
        for name in (None, approval):
            if name and "approvals/{id}" in case.operation.path:
                case.path_parameters["id"] = name
            if is_hook:
                case.query = {"wait": 0}
            response = case.call(base_url=url, headers=headers(case.path), timeout=20)
            case.validate_response(response, excluded_checks=skipped)

    conforms()


async def test_the_api_does_what_its_document_says(shared: Stage):
    card, _ = await asked(shared, "transfer 5 GBP to alice")
    url = shared.bot.url
    document = (await Api(url).send("", "GET", "/api/openapi.json")).body
    tried = await asyncio.to_thread(walk, document, url, request_of(card))
    assert len(tried) == 11
