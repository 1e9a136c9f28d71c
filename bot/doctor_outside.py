"""What the policy wants of the ways outside of Slack, and the settings lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.approvals.policy import PolicyError, load_policy
from bot.approvals.policy.model import Rule
from bot.settings import Settings, Transport


def lacking(settings: Settings) -> list[str]:
    """Sentences; none where every way of the policy is open."""
    try:
        rules = load_policy(settings.policy_file).rules
    except PolicyError:  # the policy's own line says it
        return []
    simulated = settings.transport is Transport.SIMULATOR
    has_mail = simulated or settings.smtp_url is not None
    return [
        *_links(settings, rules),
        *([] if simulated else _sign_in(settings, rules)),
        *([] if has_mail else _untold(rules, "email", "SMTP_URL")),
        *([] if settings.webhook_url else _untold(rules, "webhook", "WEBHOOK_URL")),
    ]


def _links(settings: Settings, rules: Iterable[Rule]) -> Iterator[str]:
    linked = [rule.name for rule in rules if rule.links]
    if linked and not (settings.link_secret and settings.public_url):
        yield f"LINK_SECRET or PUBLIC_URL is not set: no links for {_named(linked)}"


def _sign_in(settings: Settings, rules: Iterable[Rule]) -> Iterator[str]:
    critical = [rule.name for rule in rules if rule.links and rule.critical]
    if critical and settings.slack_client_id is None:
        yield (
            "SLACK_CLIENT_ID is not set: nobody can sign in, so no links for "
            f"{_named(critical)}"
        )


def _untold(rules: Iterable[Rule], way: str, name: str) -> Iterator[str]:
    telling = [
        rule.name for rule in rules if any(way in stage.notify for stage in rule.stages)
    ]
    if telling:
        yield f"{name} is not set: nobody is told by {way} for {_named(telling)}"


def _named(rules: list[str]) -> str:
    return f"the rules {', '.join(rules)}" if len(rules) > 1 else f"rule {rules[0]}"
