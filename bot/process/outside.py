"""The parts that reach outside of Slack, built from the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent.tools.email import Mail, SmtpMail
from bot.audit.checkpoints import ChannelSink, FolderSink, Sink, SinkFailed, WebhookSink
from bot.base.settings import Settings
from bot.base.settings_types import CHANNEL
from bot.conversations.agents_outside import AgentsOutside
from bot.conversations.resume import Recheck
from bot.jobs.clock import Duty, seldom
from bot.jobs.courier import Courier
from bot.notices.email import Emails
from bot.notices.feed import Feed
from bot.notices.webhook import Hook, Webhook
from bot.slack.client import error_code
from bot.slack.deps import Deps
from bot.slack.directory import Addresses
from bot.texts import audit as say
from bot.web.api.callers import Callers
from bot.web.api.routes import Api, api_routes
from bot.web.links.routes import LinkPages, Return, SignIn
from bot.web.links.tokens import Opening, Signer

NAMELESS = "urn:slack-approval-bot"  # the source of events where no PUBLIC_URL is set


@dataclass(frozen=True)
class Outside:
    """The routes, duties and couriers that the process has for those outside.

    Attributes:
        when: duties by what is due; see `bot.jobs.clock.Clock`.
    """

    routes: Sequence[web.RouteDef]
    duties: Sequence[Duty]
    when: Mapping[str, Duty]
    couriers: Sequence[Courier]


def make_outside(deps: Deps, mail: Mail | None) -> Outside:
    """Build the API, the pages of links, e-mails and events."""
    settings = deps.settings
    api = Api(deps, Callers(settings.api_tokens, settings.api_agents), _agents(deps))
    signer, hook = _signer(settings), _hook(settings)
    couriers: dict[str, Courier] = {}
    if mail is not None:
        couriers["emails"] = Courier(deps.pool, _emails(deps, mail, signer))
    if hook is not None:
        couriers["events"] = Courier(deps.pool, Webhook(deps.pool, hook))
    feed = Feed(
        deps.pool,
        deps.policies,
        source=settings.public_url or NAMELESS,
        send_event=couriers["events"].send if hook else None,
        send_email=couriers["emails"].send if mail else None,
    )
    duties = [seldom(api.repeats.forget)]
    when: dict[str, Duty] = {name: each.look for name, each in couriers.items()}
    if couriers:
        when["changes"] = feed.work_off
    else:  # it only drops what nobody is to hear
        duties.append(seldom(feed.work_off))
    routes = [*api_routes(api), *_link_routes(deps, signer)]
    return Outside(routes, duties, when, [*couriers.values()])


def _agents(deps: Deps) -> AgentsOutside:
    pool, jobs, policies = deps.pool, deps.jobs, deps.policies
    recheck = Recheck(pool, jobs, deps.people_now, policies)
    return AgentsOutside(pool, jobs, policies, deps.people, recheck)


def smtp_mail(settings: Settings) -> SmtpMail | None:
    """The mail server of SMTP_URL; None without one."""
    if settings.smtp_url is None or settings.smtp_from is None:
        return None
    server = urlsplit(settings.smtp_url.get_secret_value())
    tls = server.scheme == "smtps"
    return SmtpMail(
        host=server.hostname or "",
        port=server.port or (465 if tls else 587),
        sender=settings.smtp_from,
        user=unquote(server.username or ""),
        password=unquote(server.password or ""),
        tls=tls,
    )


def _signer(settings: Settings) -> Signer | None:
    """Make the signer of links; None if there are no links."""
    if settings.link_secret is None or settings.public_url is None:
        return None
    return Signer(settings.link_secret.get_secret_value(), settings.public_url)


def _hook(settings: Settings) -> Hook | None:
    if settings.webhook_url is None or settings.webhook_secret is None:
        return None
    return Hook(
        settings.webhook_url,
        settings.webhook_secret.get_secret_value(),
        settings.webhook_allow_private,
    )


def _emails(deps: Deps, mail: Mail, signer: Signer | None) -> Emails:
    return Emails(
        pool=deps.pool,
        people=deps.people,
        policies=deps.policies,
        addresses=Addresses(deps.client),
        identity=deps.identity,
        mail=mail,
        signer=signer,
        signs_in=deps.openid is not None,
    )


def _link_routes(deps: Deps, signer: Signer | None) -> Sequence[web.RouteDef]:
    if signer is None:
        return []
    opening = Opening(deps.pool, deps.policies, signer)
    sign_in = SignIn(deps.openid, signer) if deps.openid else None
    pages = LinkPages(
        opening=opening,
        people=deps.people,
        decider=deps.decider,
        sign_in=sign_in,
        rate=deps.rates.get("clicks"),
    )
    back = (
        Return(opening, deps.people, deps.decider, sign_in).routes() if sign_in else []
    )
    return [*back, *pages.routes()]


def make_sink(place: str, allow_private: bool, client: AsyncWebClient) -> Sink:
    """The place that AUDIT_SINK names: a channel's id, a URL, or else a folder."""
    if "://" in place:
        return WebhookSink(place, allow_private)
    if not CHANNEL.fullmatch(place):
        return FolderSink(Path(place))

    async def post(channel: str, text: str) -> None:
        await _post(client, channel, text)

    return ChannelSink(place, post)


async def _post(client: AsyncWebClient, channel: str, text: str) -> None:
    try:
        await client.chat_postMessage(
            channel=channel, text=text, unfurl_links=False, unfurl_media=False
        )
    except SlackApiError as error:
        raise SinkFailed(say.not_posted(channel, error_code(error))) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SinkFailed(say.slack_away(channel)) from error
