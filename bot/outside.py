"""The parts that reach outside of Slack, built from the settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent.mail import Mail, SmtpMail
from bot.approvals.decide import Decider
from bot.approvals.ports import People, Policies
from bot.audit.checkpoints import ChannelSink, FolderSink, Sink, SinkFailed, WebhookSink
from bot.database.pool import Pool
from bot.jobs.clock import Duty, seldom
from bot.jobs.queue import Queue
from bot.notices.email import Emails
from bot.notices.outbox import Outbox
from bot.notices.webhook import Hook, Webhook
from bot.settings import Settings
from bot.settings_types import CHANNEL, Rate
from bot.slack.client import error_code
from bot.slack.directory import Addresses
from bot.slack.identity import Identity
from bot.slack.openid import OpenId
from bot.web.api.auth import Callers
from bot.web.api.routes import ApiParts, Look, api_routes
from bot.web.links.guard import Opening
from bot.web.links.routes import LinkPages
from bot.web.links.sign_in import Return, SignIn
from bot.web.links.tokens import Signer

NAMELESS = "urn:slack-approval-bot"  # the source of events where no PUBLIC_URL is set


@dataclass(frozen=True)
class Inside:
    """The parts that everything for those outside is built on."""

    pool: Pool
    queue: Queue
    people: People
    policies: Policies
    decider: Decider
    client: AsyncWebClient
    identity: Callable[[], Identity]
    openid: OpenId | None  # sign-in with Slack, where the app has an id and a secret
    look: Look  # what a call names at the moment


@dataclass(frozen=True)
class Outside:
    """The routes and duties that the process has for those outside."""

    routes: Sequence[web.RouteDef]
    duties: Sequence[Duty]


def make_outside(settings: Settings, inside: Inside, mail: Mail | None) -> Outside:
    """Build the API, the pages of links, e-mails and events; tell the queue."""
    rates = {rate.kind: rate for rate in settings.rate_limit}
    api = ApiParts(
        pool=inside.pool,
        jobs=inside.queue,
        people=inside.people,
        policies=inside.policies,
        decider=inside.decider,
        callers=Callers(settings.api_tokens),
        rates=rates,
        look=inside.look,
    )
    signer, hook = _signer(settings), _hook(settings)
    outbox = Outbox(
        pool=inside.pool,
        jobs=inside.queue,
        policies=inside.policies,
        source=(settings.public_url or NAMELESS) if hook else "",
        emails=mail is not None,
    )
    if mail is not None:
        inside.queue.register("email", _emails(inside, mail, signer).send)
    if hook is not None:
        inside.queue.register("webhook", Webhook(inside.pool, hook).send)
    routes = [*api_routes(api), *_link_routes(inside, signer, rates)]
    tell: Duty = outbox.work_off
    if not (outbox.source or outbox.emails):  # it only drops what nobody is to hear
        tell = seldom(tell)
    return Outside(routes, [tell, seldom(api.repeats.forget)])


def smtp_mail(settings: Settings) -> SmtpMail | None:
    """The mail server of SMTP_URL; None without one."""
    server = settings.smtp_url
    if server is None or settings.smtp_from is None:
        return None
    return SmtpMail(
        host=server.host,
        port=server.port,
        sender=settings.smtp_from,
        user=server.user,
        password=server.password.get_secret_value(),
        tls=server.tls,
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


def _emails(inside: Inside, mail: Mail, signer: Signer | None) -> Emails:
    return Emails(
        pool=inside.pool,
        people=inside.people,
        policies=inside.policies,
        addresses=Addresses(inside.client),
        identity=inside.identity,
        mail=mail,
        signer=signer,
        signs_in=inside.openid is not None,
    )


def _link_routes(
    inside: Inside, signer: Signer | None, rates: Mapping[str, Rate]
) -> Sequence[web.RouteDef]:
    if signer is None:
        return []
    opening = Opening(inside.pool, inside.policies, signer)
    sign_in = SignIn(inside.openid, signer) if inside.openid else None
    pages = LinkPages(
        opening=opening,
        people=inside.people,
        decider=inside.decider,
        sign_in=sign_in,
        rate=rates.get("clicks"),
    )
    back = Return(opening, inside.decider, sign_in).routes() if sign_in else []
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
        raise SinkFailed(
            f"The checkpoint cannot be posted to {channel}: Slack answers "
            f"{error_code(error)}; see AUDIT_SINK."
        ) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SinkFailed(
            f"The checkpoint cannot be posted to {channel}: Slack cannot be reached."
        ) from error
