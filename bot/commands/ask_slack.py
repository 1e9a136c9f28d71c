"""Whether Slack knows what a policy names: people, channels, groups, profile fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.policy import Policy, named_ids
from bot.approvals.policy.complaints import key_path
from bot.slack.client import error_code

# https://docs.slack.dev/reference/methods/users.info#errors
# https://docs.slack.dev/reference/methods/conversations.info#errors
# https://docs.slack.dev/reference/methods/usergroups.users.list#errors
_UNKNOWN = frozenset(
    {"user_not_found", "user_not_visible", "channel_not_found", "no_such_subteam"}
)


async def unknown_ids(policy: Policy, client: AsyncWebClient) -> list[str]:
    """A sentence, with the key's path, for each id that Slack does not know."""
    private = _private(policy)
    troubles: list[str] = []
    for path, slack_id in named_ids(policy):
        try:
            trouble = await _trouble_with(slack_id, client, path in private)
        except SlackApiError as error:
            return [*troubles, f"Slack cannot be asked ({error_code(error)})"]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return [*troubles, f"Slack cannot be asked ({type(error).__name__})"]
        if trouble:
            troubles.append(f"{path}: {trouble}")
    return troubles


def _private(policy: Policy) -> set[str]:
    """The paths of channels whose members decide, and which nobody may simply join."""
    return {
        key_path(("approvers", group.name, "channel"))
        for group in policy.groups.values()
        if group.source.startswith("channel:")
    }


async def _trouble_with(
    slack_id: str, client: AsyncWebClient, must_be_private: bool
) -> str:
    try:
        if slack_id.startswith(("U", "W")):
            await client.users_info(user=slack_id)
            return ""
        if slack_id.startswith("S"):
            return await _trouble_with_usergroup(slack_id, client)
        if slack_id.startswith("Xf"):
            return await _trouble_with_field(slack_id, client)
        return await _trouble_with_channel(slack_id, client, must_be_private)
    except SlackApiError as error:
        code = error_code(error)
        if code in _UNKNOWN:
            return f"Slack does not know {slack_id}"
        if code == "missing_scope":
            return (
                f"{slack_id} cannot be checked: the app lacks a scope of manifest.yml"
            )
        # https://docs.slack.dev/reference/methods/usergroups.users.list#errors
        if code == "plan_upgrade_required":
            return "this Slack plan has no user groups; list the people under `users`"
        raise


async def _trouble_with_usergroup(slack_id: str, client: AsyncWebClient) -> str:
    found = _data(await client.usergroups_users_list(usergroup=slack_id))
    return "" if found.get("users") else f"nobody is in {slack_id}; add people to it"


async def _trouble_with_field(slack_id: str, client: AsyncWebClient) -> str:
    """A field has to be there, and to hold people.

    https://docs.slack.dev/reference/methods/team.profile.get needs the scope
    users.profile:read, which looking up a manager needs too.
    """
    profile: dict[str, Any] = _data(await client.team_profile_get())["profile"]
    fields: list[dict[str, Any]] = profile.get("fields") or []
    kinds = [field.get("type") for field in fields if field.get("id") == slack_id]
    if not kinds:
        return f"Slack does not know {slack_id}"
    return "" if "user" in kinds else f"{slack_id} is no profile field of type user"


async def _trouble_with_channel(
    slack_id: str, client: AsyncWebClient, must_be_private: bool
) -> str:
    channel = _data(await client.conversations_info(channel=slack_id))["channel"]
    if must_be_private and not channel.get("is_private"):
        return (
            f"{slack_id} is public, so whoever joins could decide; take a private "
            "channel, or say `open: true`"
        )
    if channel.get("is_member", True):
        return ""
    return f"the bot is not a member of {slack_id}; invite it there"


def _data(answer: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", answer.data)
