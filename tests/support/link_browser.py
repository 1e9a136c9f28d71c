"""A person who follows a signed link, as a browser does it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

import aiohttp
import psycopg

from bot.database.pool import Connection, connect
from bot.web.links import tokens
from bot.web.links.tokens import Link, Signer
from tests.support.deciding import SANDBOX, SHIPPED
from tests.support.demo import TEAM
from tests.support.http_api import API_TOKENS
from tests.support.playing import Board
from tests.support.stage import Stage

SECRET = "a-secret-that-signs-links-0123456789"
PUBLIC_URL = "https://bot.example"
LINKS = {"LINK_SECRET": SECRET, "PUBLIC_URL": PUBLIC_URL}
FORM = re.compile(r'name="form" value="([0-9a-f]+)"')


def with_links(policy: str) -> str:
    """The policy with links for every rule that names stages."""
    bare = policy.replace("    links: true\n", "")
    return bare.replace("    stages: [", "    links: true\n    stages: [")


#: A stage with links for all that the sandbox asks for, and with the API.
OUTSIDE = {
    **SANDBOX,
    **LINKS,
    "policy": with_links(SHIPPED),
    "API_TOKENS": API_TOKENS,
}


async def made(
    stage: Stage,
    request: str,
    user: str,
    *,
    secret: str = SECRET,
    audience: str = PUBLIC_URL,
    digest: str = "",
    team: str = TEAM,
) -> str:
    """The token of a link, as the bot itself makes them."""
    link = Link(request, team, user, digest or Board(stage, request).digest)
    connection: Connection = await connect(stage.environment["DATABASE_URL"])
    async with connection:
        address = await tokens.make(connection, Signer(secret, audience), link)
    return address.rpartition("/")[2]


@dataclass
class Page:
    """An answer."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def form(self) -> str:
        found = FORM.search(self.text)
        return found[1] if found else ""

    @property
    def words(self) -> str:
        """The text of the page's main part, without tags."""
        body = self.text.partition("<main>")[2]
        return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", body).split()))


@dataclass
class Browser:
    """Keeps its cookies, and sends what a browser sends along."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)

    async def open(self, token: str, method: str = "GET", **headers: str) -> Page:
        return await self.send(method, token, headers=headers)

    async def get(self, path: str) -> Page:
        """An address below `/approve/`; no redirect is followed."""
        return await self.send("GET", path, allow_redirects=False)

    async def decide(self, token: str, word: str, **fields: str) -> Page:
        """Open the page and press one of its buttons."""
        page = await self.open(token)
        return await self.post(token, form=page.form, decision=word, **fields)

    async def post(self, token: str, **fields: str) -> Page:
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return await self.send("POST", token, data=fields, headers=headers)

    async def send(self, method: str, token: str, **how: object) -> Page:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                method,
                f"{self.url}/approve/{token}",
                cookies=self.cookies,
                **how,  # pyright: ignore[reportArgumentType]
            ) as answer,
        ):
            for name, morsel in answer.cookies.items():
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
            return Page(answer.status, await answer.text(), dict(answer.headers))


def run_sql(stage: Stage, statement: str, *values: object) -> None:
    """Change something behind the bot's back."""
    with psycopg.connect(
        stage.environment["DATABASE_URL"], autocommit=True
    ) as connection:
        connection.execute(statement.encode(), values)
