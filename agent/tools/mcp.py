"""The tools of MCP servers, each named `server.tool`, behind the gate as any other."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException

from agent.gate import OutcomeUnknown
from agent.models import wire_name
from agent.phrases import results
from agent.safe_text import clean_text, one_line
from agent.tool_arguments import MARKS, is_usable
from agent.tools.mcp_transport import AskPerson, Gone, Link, opened

if TYPE_CHECKING:
    from mcp import ClientSession, types

logger = logging.getLogger(__name__)
MAX_RESULT = 20_000  # characters
MAX_DESCRIPTION = 2_000  # characters
MAX_REASON = 300  # characters of the server's own message
MAX_SCHEMA = 50_000  # characters
MAX_TOOLS = 128  # of one server
TOOL_NAME = re.compile(r"[A-Za-z0-9_./:-]{1,100}")


@dataclass(frozen=True)
class Patience:
    """Seconds that a server gets."""

    start: float = 20  # until it has said which tools it has, while somebody waits
    connect: float = 60  # the same, while nobody does: it may be installed first
    listing: float = 10
    call: float = 120
    first_wait: float = 1  # before it is tried again; then twice as long each time
    longest_wait: float = 60
    relist: float = 60  # between two looks at its list
    calm: float = 30  # the same at least, whatever it says in between
    stop: float = 10


@dataclass(frozen=True)
class Definition:
    """One tool as its server describes it.

    Attributes:
        digest: hex SHA-256 of all that the server says about it.
        destructive: the server says that it destroys.
        reads: the server says that it changes nothing, which lowers nothing.
    """

    server: str
    tool: str
    description: str
    schema: dict[str, Any]
    destructive: bool = False
    reads: bool = False
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        said = [self.tool, self.description, self.schema]
        said += [self.destructive, self.reads]
        text = json.dumps(said, sort_keys=True, ensure_ascii=True)
        object.__setattr__(self, "digest", hashlib.sha256(text.encode()).hexdigest())

    @property
    def name(self) -> str:
        """The name in policies, on cards and on the trail."""
        return f"{self.server}.{self.tool}"

    @property
    def call_schema(self) -> dict[str, Any]:
        """The JSON schema of a call, as its tool has it: see `schema_of`.

        Another definition gives another digest.
        """
        marks = {"pin": self.digest, "destructive": self.destructive}
        said = results.mcp_description(self.server, self.description)
        return {**self.schema, MARKS: marks, "description": said}


class Pins(Protocol):
    """Keeps what servers have said of their tools."""

    async def known(self, servers: Sequence[str]) -> Sequence[Definition]:
        """The tools that these servers listed when they were last asked."""
        ...

    async def learn(self, server: str, listed: Sequence[Definition]) -> Sequence[str]:
        """Keep a server's whole list; return the names of the tools that changed."""
        ...


class PinsOfSession:
    """Pins in memory, for as long as one session."""

    def __init__(self) -> None:
        self._kept: dict[str, Definition] = {}

    async def known(self, servers: Sequence[str]) -> Sequence[Definition]:
        return [each for each in self._kept.values() if each.server in servers]

    async def learn(self, server: str, listed: Sequence[Definition]) -> Sequence[str]:
        before, now = self._kept, {each.name: each for each in listed}
        self._kept = before | now
        return [n for n in now if n in before and before[n].digest != now[n].digest]


class McpTool(BaseTool):
    """One tool of a server. The gate calls it with a whole ToolCall."""

    server: Any
    definition: Definition

    def _run(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{self.name} runs asynchronously: use ainvoke.")

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> ToolMessage:
        """Call it on its server.

        Raises:
            ToolException: it failed, or was not begun. OutcomeUnknown: it had begun.
        """
        call = cast("dict[str, Any]", input)
        thread = (config or {}).get("configurable", {}).get("thread_id")
        key = hashlib.sha256(f"{thread}\n{call['id']}".encode()).hexdigest()[:32]
        said = await self.server.call(self.definition, call["args"], key, thread)
        return ToolMessage(said, tool_call_id=call["id"], name=self.name)


class McpServer:
    """One server: kept connected, and asked for its list before each call."""

    def __init__(
        self,
        name: str,
        connection: Mapping[str, Any],
        pins: Pins,
        patience: Patience | None = None,
        ask: AskPerson | None = None,
    ) -> None:
        self.name = name
        self.trouble = ""  # a sentence while it cannot be reached
        self.changed: tuple[str, ...] = ()  # tools that it has changed since the start
        self.tools: tuple[McpTool, ...] = ()
        self.tried = asyncio.Event()
        self._connection = dict(connection)
        self._pins = pins
        self._ask = ask
        self._patience = patience or Patience()
        self._link: Link | None = None
        self._up = asyncio.Event()
        self._wanted = asyncio.Event()
        self._stale = asyncio.Event()

    def offer(self, definitions: Sequence[Definition]) -> None:
        """Make tools of what the server has listed."""
        self.tools = tuple(self._tool(each) for each in definitions)

    def _tool(self, definition: Definition) -> McpTool:
        return McpTool(
            name=definition.name,
            description=results.mcp_description(self.name, definition.description),
            args_schema=definition.call_schema,
            server=self,
            definition=definition,
        )

    async def keep_connected(self, *, lazily: bool) -> None:
        """Connect, and again whenever the connection is lost; it never ends.

        Args:
            lazily: wait for the first call.
        """
        if lazily:
            await self._wanted.wait()
        wait = self._patience.first_wait
        while True:
            try:
                async with self._connected() as link:
                    wait = self._patience.first_wait
                    await self._watch(link)
            except Exception as error:
                self._note(error)
            self.tried.set()
            self._wanted.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wanted.wait()
            wait = min(2 * wait, self._patience.longest_wait)

    def _note(self, error: Exception) -> None:
        self.trouble = results.mcp_away(self.name)
        logger.warning(
            "an MCP server cannot be used: %s (%s)",
            self.name,
            type(_first(error)).__name__,
            extra={"action": "mcp_away"},
        )

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Link]:
        async with opened(self._connection, self._hear) as link:
            try:
                async with asyncio.timeout(self._patience.connect):
                    await link.session.initialize()
                    await self._learn(await listed(self.name, link.session))
                self._link, self.trouble = link, ""
                self._up.set()
                self.tried.set()
                yield link
            finally:
                link.gone.set()
                self._link = None
                self._up.clear()

    async def _hear(self, message: object) -> None:
        from mcp import types

        if isinstance(message, types.ServerNotification) and isinstance(
            message.root, types.ToolListChangedNotification
        ):
            self._stale.set()

    async def _watch(self, link: Link) -> None:
        """Look at the list when the server says that it changed, and now and then."""
        calm = min(self._patience.calm, self._patience.relist)
        while not link.gone.is_set():
            with suppress(TimeoutError, Gone):
                async with asyncio.timeout(self._patience.relist - calm):
                    await link.until_gone(self._stale.wait())
            self._stale.clear()
            if not link.gone.is_set():
                await self._look(link)
                with suppress(Gone):
                    await link.until_gone(asyncio.sleep(calm))

    async def _look(self, link: Link) -> None:
        async with asyncio.timeout(self._patience.listing):
            found = await link.until_gone(listed(self.name, link.session))
        await self._learn(found)

    async def _learn(self, found: Sequence[Definition]) -> None:
        pins = [tool.definition.digest for tool in self.tools]
        if [each.digest for each in found] == pins:
            return
        changed = await self._pins.learn(self.name, found)
        self.changed = tuple(dict.fromkeys([*self.changed, *changed]))
        self.offer(found)

    async def call(
        self, definition: Definition, args: Any, key: str, thread: str | None = None
    ) -> str:
        """Run one tool once, for a conversation.

        Raises:
            ToolException: it failed or was not begun. OutcomeUnknown: it had begun.
        """
        link = await self._ready(definition)
        link.asked = ""
        try:
            result = await self._run(link, definition, args, key, thread)
        except Exception as error:
            raise self._explained(link, error) from error
        text = as_text(result)
        if link.asked:
            question = one_line(clean_text(link.asked), MAX_REASON)
            text = f"{text}\n{results.mcp_asked(question)}"
        if result.isError:
            raise ToolException(text)
        return text

    async def _run(
        self, link: Link, tool: Definition, args: Any, key: str, thread: str | None
    ) -> types.CallToolResult:
        ask = partial(self._ask, thread, self.name) if self._ask else None
        seconds, meta = self._patience.call, {"idempotencyKey": key}
        async with asyncio.timeout(seconds) as limit:
            with link.calling(ask, limit, seconds):
                run = link.session.call_tool(tool.tool, args, meta=meta)
                return await link.until_gone(run)

    def _explained(self, link: Link, error: Exception) -> ToolException:
        """Build the error of a call that began: unknown, unless the server says no."""
        from mcp import McpError, types

        if isinstance(error, McpError):
            code, said = error.error.code, error.error.message
            if code in (types.INVALID_PARAMS, types.METHOD_NOT_FOUND):
                why = one_line(clean_text(said), MAX_REASON)
                return ToolException(results.mcp_said_no(self.name, why))
            if code == types.CONNECTION_CLOSED:
                link.gone.set()
        return OutcomeUnknown(results.mcp_unknown(self.name))

    async def _ready(self, definition: Definition) -> Link:
        """Return a connection on which the tool is still what people were shown."""
        for _ in range(2):
            link = await self._current()
            try:
                await self._look(link)
            except Exception as error:
                self._note(error)
                link.gone.set()
                self._up.clear()
                continue
            if definition.digest not in {tool.definition.digest for tool in self.tools}:
                raise ToolException(results.mcp_changed(definition.name))
            return link
        raise ToolException(results.mcp_not_begun(self.name))

    async def _current(self) -> Link:
        if self._link is None or self._link.gone.is_set():
            self._wanted.set()
            try:
                async with asyncio.timeout(self._patience.start):
                    await self._up.wait()
            except TimeoutError:
                raise ToolException(results.mcp_not_begun(self.name)) from None
        if self._link is None:
            raise ToolException(results.mcp_not_begun(self.name))
        return self._link


def _first(error: BaseException) -> BaseException:
    """The first leaf of what anyio wraps into groups."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseException", error.exceptions[0])
    return error


async def listed(server: str, session: ClientSession) -> list[Definition]:
    """All tools that a server lists and that can be named and shown.

    Of several that a model would call alike the first: two of one name would leave the
    agent with no tool at all.
    """
    from mcp.types import PaginatedRequestParams

    found: dict[str, Definition] = {}
    cursor: str | None = None
    while True:
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        for made in filter(None, (_definition(server, each) for each in page.tools)):
            if found.setdefault(wire_name(made.name), made) is not made:
                _leave_out(server, made.tool)
        cursor = page.nextCursor
        if not cursor or len(found) >= MAX_TOOLS:
            return sorted([*found.values()][:MAX_TOOLS], key=lambda each: each.tool)


def _definition(server: str, tool: types.Tool) -> Definition | None:
    schema = dict[str, Any](tool.inputSchema)
    schema.setdefault("properties", {})
    text = json.dumps(schema)
    if not (
        TOOL_NAME.fullmatch(tool.name) and len(text) <= MAX_SCHEMA and is_usable(text)
    ):
        _leave_out(server, ascii(tool.name[:100]))
        return None
    hints = tool.annotations
    return Definition(
        server,
        tool.name,
        clean_text(tool.description or "")[:MAX_DESCRIPTION],
        schema,
        destructive=bool(hints and hints.destructiveHint),
        reads=bool(hints and hints.readOnlyHint),
    )


@cache
def _leave_out(server: str, tool: str) -> None:
    """Say so, once."""
    logger.warning("an MCP tool is left out: %s of %s", tool, server)


def as_text(result: types.CallToolResult) -> str:
    """Return a result as text for the model; anything else in it is only named."""
    text = clean_text("\n".join(_part(each) for each in result.content))
    if not text and result.structuredContent is not None:
        text = clean_text(json.dumps(result.structuredContent, ensure_ascii=False))
    if len(text) > MAX_RESULT:
        return f"{text[:MAX_RESULT]}\n{results.result_cut(MAX_RESULT)}"
    return text or results.MCP_NOTHING


def _part(content: types.ContentBlock) -> str:
    match content.type:
        case "text":
            return content.text
        case "image" | "audio":
            size = len(content.data.rstrip("=")) * 3 // 4
            return results.mcp_media(content.type, content.mimeType, size)
        case "resource_link":
            return results.mcp_file(str(content.uri), content.mimeType)
        case "resource":
            resource = content.resource
            text = getattr(resource, "text", None)
            named = results.mcp_file(str(resource.uri), resource.mimeType)
            return f"{named}\n{text}" if isinstance(text, str) else named


class McpServers:
    """All servers of MCP_CONFIG."""

    def __init__(
        self,
        connections: Mapping[str, Mapping[str, Any]],
        pins: Pins,
        patience: Patience | None = None,
        known: Mapping[str, Sequence[Definition]] = MappingProxyType({}),
        ask: AskPerson | None = None,
    ) -> None:
        """Take the connections, by server.

        Args:
            ask: without it each question of a server is declined.
            known: tools of servers that are started when they are first called.
        """
        self._patience = patience or Patience()
        self._pins, self._known = pins, known
        self._servers = {
            name: McpServer(name, connection, pins, self._patience, ask)
            for name, connection in connections.items()
        }
        self._tasks: list[asyncio.Task[None]] = []

    def tools(self) -> tuple[BaseTool, ...]:
        """The tools there are now, of servers that are away too."""
        return tuple(tool for each in self._servers.values() for tool in each.tools)

    def troubles(self) -> dict[str, str]:
        """A line for each server that is away, or has changed a tool."""
        found: dict[str, str] = {}
        for name, server in self._servers.items():
            if said := server.trouble:
                found[f"mcp {name}"] = said
            elif server.changed:
                found[f"mcp {name}"] = results.mcp_has_changed(server.changed)
        return found

    async def start(self) -> None:
        """Offer what is known of each server, and connect to all.

        One that was never seen is waited for a while, so that the first message finds
        its tools.
        """
        known = await self._pins.known([*self._servers])
        for name, server in self._servers.items():
            tools = [each for each in known if each.server == name]
            if is_lazy := name in self._known:
                tools = self._known[name]
                await self._pins.learn(name, tools)
            server.offer(tools)
            task = server.keep_connected(lazily=is_lazy)
            self._tasks.append(asyncio.create_task(task))
        new = [each.tried.wait() for each in self._servers.values() if not each.tools]
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.start):
                await asyncio.gather(*new)

    async def stop(self) -> None:
        """End all connections, and the processes behind them."""
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):  # a server that hangs need not be said good-bye
            async with asyncio.timeout(self._patience.stop):
                await asyncio.gather(*self._tasks, return_exceptions=True)


async def look_at_server(
    name: str, connection: Mapping[str, Any], patience: Patience | None = None
) -> list[Definition] | None:
    """Ask a server once for its tools; None if it cannot be reached."""
    try:
        async with asyncio.timeout((patience or Patience()).start):
            async with opened(connection) as link:
                await link.session.initialize()
                return await listed(name, link.session)
    except Exception as error:
        logger.warning("%s: %s", name, type(_first(error)).__name__)
        return None
