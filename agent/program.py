"""The program behind `python -m agent`: set up, chat, take leave."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from agent.checkpointers import CheckpointerError, open_checkpointer
from agent.gate import Gate
from agent.grant_protocol import MemoryGrants
from agent.graph import build_graph
from agent.models import make_model
from agent.offline import OfflineModel
from agent.phrases import chat
from agent.safe_text import clean_text, harmless
from agent.terminal import Session, Terminal
from agent.tools import make_tools

if TYPE_CHECKING:
    from agent.tools.database import Database
    from agent.tools.mcp import McpServers

MISUSE, TROUBLE, INTERRUPTED = 2, 1, 130
#: What only looks; everything else needs a person.
FREE = frozenset({"list_files", "read_file"})


class SetupError(Exception):
    """The environment cannot be used; the text is a sentence for a person."""


class Console:
    """The person at standard input and output."""

    def ask(self, prompt: str) -> str:
        """Return the next line. Raises EOFError at the end of the input."""
        return input(prompt)

    def tell(self, text: str) -> None:
        """Print a text."""
        print(text, flush=True)


def run(parsed: argparse.Namespace) -> int:
    """Chat, or draw the graph, and return the process's exit status.

    0: the input came to its end. 1: what is said cannot be stored any more. 2: it
    cannot be done like this, with one line on stderr that says why.
    """
    _prepare_streams()
    if parsed.mermaid:
        drawn = build_graph(OfflineModel(), [], Gate(MemoryGrants()))
        print(drawn.get_graph().draw_mermaid())
        return 0
    try:
        environment = _environment(Path(".env"))
        tools, servers = _tools(environment), _servers(environment)
        _configure_logging(environment.get("LOG_LEVEL", ""))
        with asyncio.Runner() as runner:
            return _open_and_chat(runner, parsed, environment, tools, servers)
    except (SetupError, CheckpointerError) as error:
        return _complain(str(error), MISUSE)
    except KeyboardInterrupt:
        return INTERRUPTED


def _prepare_streams() -> None:
    # What the streams' encoding does not know is shown, and never ends the program.
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with suppress(ImportError):
        importlib.import_module("readline")  # gives `input` its history and editing


def _environment(dotenv: Path) -> dict[str, str]:
    """The variables that are set, in the environment or below it in a file."""
    try:
        written = dotenv_values(dotenv, interpolate=False)
    except (OSError, UnicodeDecodeError):
        raise SetupError(chat.file_unreadable(dotenv)) from None
    merged = {**written, **os.environ}
    return {name: v.strip() for name, v in merged.items() if v and v.strip()}


def _named(environment: Mapping[str, str]) -> list[str]:
    """The sets of tools: those of TOOLS, or files and whatever is configured."""
    if "TOOLS" in environment:
        return [name.strip() for name in environment["TOOLS"].split(",")]
    turned_on = {"database": "SQL_URL", "mcp": "MCP_CONFIG"}
    return ["files", *(name for name, by in turned_on.items() if by in environment)]


def _tools(environment: Mapping[str, str]) -> list[BaseTool]:
    # Those of servers come from the servers, once they are there.
    has_servers = "MCP_CONFIG" in environment
    names = [n for n in _named(environment) if not (n == "mcp" and has_servers)]
    files = Path(environment.get("FILES_DIR", ".data/files"))
    try:
        return make_tools(names, files_dir=files, database=_database(environment))
    except ValueError as error:
        raise SetupError(chat.bad_tools(error)) from None
    except FileNotFoundError:
        raise SetupError(chat.no_folder(files)) from None
    except OSError as error:
        raise SetupError(chat.folder_unusable(files, error.strerror)) from None


def _database(environment: Mapping[str, str]) -> Database | None:
    url = environment.get("SQL_URL")
    if url is None:
        return None
    from agent.tools.database import open_database

    return open_database(url)


def _servers(environment: Mapping[str, str]) -> McpServers | None:
    if "MCP_CONFIG" not in environment or "mcp" not in _named(environment):
        return None
    from agent.tools.mcp import McpServers, PinsOfSession
    from agent.tools.mcp_config import McpConfigError, read_config

    try:
        connections = read_config(Path(environment["MCP_CONFIG"]), environment)
    except McpConfigError as error:
        raise SetupError(str(error)) from None
    return McpServers(connections, PinsOfSession())


def _configure_logging(level: str) -> None:
    # What fails is told in a sentence; tracebacks are for those who ask for them.
    debug = level.lower() == "debug"
    logging.basicConfig(level=logging.WARNING if debug else logging.CRITICAL + 1)
    logging.getLogger("agent").setLevel(logging.DEBUG if debug else logging.NOTSET)


def _open_and_chat(
    runner: asyncio.Runner,
    parsed: argparse.Namespace,
    environment: Mapping[str, str],
    tools: Sequence[BaseTool],
    servers: McpServers | None,
) -> int:
    thread = clean_text(parsed.thread).strip()
    if not thread:
        raise SetupError(chat.NO_THREAD)
    stack = AsyncExitStack()
    try:
        opening = open_checkpointer(clean_text(parsed.checkpointer), FREE)
        kept = runner.run(stack.enter_async_context(opening))
        if servers is not None:
            stack.push_async_callback(servers.stop)
            runner.run(servers.start())
            tools = [*tools, *servers.tools()]
        graph = build_graph(_model(environment), tools, Gate(kept.grants))
        named = {tool.name: tool for tool in tools}
        session = Session(graph, kept, thread)
        return _chat(Terminal(session, named, Console(), runner.run), kept.lasts)
    finally:
        runner.run(stack.aclose())


def _model(environment: Mapping[str, str]) -> BaseChatModel:
    key, url = environment.get("OPENAI_API_KEY"), environment.get("OPENAI_BASE_URL")
    name = environment.get("OPENAI_MODEL")
    if url and not key:
        print(chat.NO_KEY, file=sys.stderr)
    chosen = harmless(name) if name else chat.DEFAULT_MODEL
    print(chat.greeting(chosen if key else chat.OFFLINE_MODEL), flush=True)
    return make_model(api_key=key, base_url=url, model=name)


def _chat(terminal: Terminal, lasts: bool) -> int:
    if not lasts:
        print(chat.FORGETS, flush=True)
    try:
        terminal.chat()
    except CheckpointerError as error:
        return _complain(str(error), TROUBLE)
    except EOFError:
        _take_leave(terminal, lasts)
        return 0
    except KeyboardInterrupt:
        _take_leave(terminal, lasts)
        return INTERRUPTED
    raise AssertionError("a chat ends by one of these")


def _take_leave(terminal: Terminal, lasts: bool) -> None:
    print()
    if terminal.waits:
        print(chat.STAYS if lasts else chat.FORGOTTEN)


def _complain(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status
