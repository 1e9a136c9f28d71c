"""Ask Slack beside the service: our access, people, the ids that a policy names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.policy.complaints import key_path
from bot.approvals.policy.model import Policy, named_ids
from bot.approvals.ports import People
from bot.base.settings import Settings, manifest
from bot.slack.client import BAD_TOKEN, error_code, make_client, make_session
from bot.slack.directory import Directory
from bot.slack.identity import Identity, learn_identity, scopes_of
from bot.texts import operation


@asynccontextmanager
async def ask_slack(settings: Settings) -> AsyncGenerator[AskSlack]:
    """Open a session to Slack."""
    async with make_session() as session:
        token = settings.slack_bot_token
        client = make_client(
            token.get_secret_value() if token else None, settings.slack_api_url, session
        )
        yield AskSlack(settings, client)


class AskSlack:
    """The questions of `check` to Slack; each returns a list of problems.

    Attributes:
        without: what the installed app does not do, once `access` has been asked.
    """

    def __init__(self, settings: Settings, client: AsyncWebClient) -> None:
        self.without: list[str] = []
        self._settings = settings
        self._client = client

    async def unknown_ids(self, policy: Policy) -> list[str]:
        """A sentence for each id of the policy that Slack does not know."""
        return await unknown_ids(policy, self._client)

    async def access(self) -> list[str]:
        """The token works and has the scopes of the manifest."""
        name = "SLACK_BOT_TOKEN"
        try:
            await learn_identity(self._client)
            answer = await self._client.auth_test()
            name = "SLACK_APP_TOKEN"
            if token := self._settings.slack_app_token:
                await self._client.apps_connections_open(
                    app_token=token.get_secret_value()
                )
        except SlackApiError as error:
            code = error_code(error)
            if code in BAD_TOKEN:
                return [operation.refuses_token(code, name)]
            return [operation.answers_with(code, name)]
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError) as error:
            return [operation.slack_unreachable(type(error).__name__)]
        given = scopes_of(answer.headers)
        if given is None:
            return []
        needed, optional = _scopes()
        self.without = [
            operation.without_feature(scope) for scope in sorted(optional - given)
        ]
        lacking = needed - given
        return [operation.lacks_scopes(sorted(lacking))] if lacking else []


def _scopes() -> tuple[set[str], set[str]]:
    """Return the scopes without which the bot does not work, and the optional ones."""
    app = yaml.safe_load(manifest().read_text(encoding="utf-8"))
    scopes = app["oauth_config"]["scopes"]
    optional = {*scopes["bot_optional"]}
    return {*scopes["bot"]} - optional, optional


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
            return [*troubles, operation.cannot_be_asked(error_code(error))]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return [*troubles, operation.cannot_be_asked(type(error).__name__)]
        if trouble:
            troubles.append(operation.part(path, trouble))
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
            return operation.unknown_id(slack_id)
        if code == "missing_scope":
            return operation.unchecked_id(slack_id)
        # https://docs.slack.dev/reference/methods/usergroups.users.list#errors
        if code == "plan_upgrade_required":
            return operation.NO_USERGROUPS
        raise


async def _trouble_with_usergroup(slack_id: str, client: AsyncWebClient) -> str:
    found = _data(await client.usergroups_users_list(usergroup=slack_id))
    return "" if found.get("users") else operation.empty_usergroup(slack_id)


async def _trouble_with_field(slack_id: str, client: AsyncWebClient) -> str:
    """Say what is wrong with a profile field that is to hold people; "" if nothing.

    https://docs.slack.dev/reference/methods/team.profile.get needs the scope
    users.profile:read, which looking up a manager needs too.
    """
    profile: dict[str, Any] = _data(await client.team_profile_get())["profile"]
    fields: list[dict[str, Any]] = profile.get("fields") or []
    kinds = [field.get("type") for field in fields if field.get("id") == slack_id]
    if not kinds:
        return operation.unknown_id(slack_id)
    return "" if "user" in kinds else operation.no_field_of_people(slack_id)


async def _trouble_with_channel(
    slack_id: str, client: AsyncWebClient, must_be_private: bool
) -> str:
    channel = _data(await client.conversations_info(channel=slack_id))["channel"]
    if must_be_private and not channel.get("is_private"):
        return operation.public_channel(slack_id)
    if channel.get("is_member", True):
        return ""
    return operation.not_a_member(slack_id)


def _data(answer: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", answer.data)


@asynccontextmanager
async def slack_people(
    settings: Settings,
) -> AsyncGenerator[tuple[People, Identity] | str]:
    """Give people and our own identity, or a word for why Slack cannot be asked."""
    async with make_session() as session:
        token = settings.slack_bot_token
        secret = token.get_secret_value() if token else None
        client = make_client(secret, settings.slack_api_url, session)
        try:
            us = await learn_identity(client)
        except SlackApiError as error:
            yield error_code(error)
        except (aiohttp.ClientError, TimeoutError, OSError, KeyError) as error:
            yield type(error).__name__
        else:
            yield Directory(client, lambda: us), us
