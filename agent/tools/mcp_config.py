"""The servers of MCP_CONFIG: the file that Claude Desktop and Cursor use."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agent.phrases import results
from agent.tools.mcp import Definition

#: Part of each tool's name, and in policies; the model's server takes no dots, so that
#: the first `__` ends it there.
SERVER_NAME = re.compile(r"(?!.*__)[A-Za-z0-9](?:[A-Za-z0-9_-]{0,30}[A-Za-z0-9-])?")
_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")


class McpConfigError(ValueError):
    """The file cannot be used; the text is a sentence for the operator."""


def _text(value: Any) -> Any:
    # Some files have numbers and true in `env`.
    return json.dumps(value) if isinstance(value, bool | int | float) else value


_Text = Annotated[str, BeforeValidator(_text)]


class _Server(BaseModel):
    # What other programs keep there beside (`disabled` alone has a meaning for us, and
    # `autoApprove` must have none) is passed over.
    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str | None = None
    args: list[_Text] = []
    env: dict[str, _Text] = {}
    cwd: str | None = None
    url: str | None = Field(None, pattern="^https?://")
    headers: dict[str, _Text] = {}
    type: Literal["stdio", "http", "streamable-http", "streamable_http"] | None = None
    disabled: bool = False


class _File(BaseModel):
    servers: dict[str, _Server] = Field(alias="mcpServers")


def read_config(path: Path, variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Read the file into connections of `langchain_mcp_adapters`, by server.

    Args:
        variables: what `${NAME}` stands for, in any text of the file.

    Raises:
        McpConfigError: it cannot be read, or names a variable that is not set.
    """
    try:
        file = _File.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise McpConfigError(results.mcp_unreadable(path, why)) from None
    except UnicodeDecodeError:
        raise McpConfigError(results.mcp_unreadable(path, results.NOT_UTF8)) from None
    except ValidationError as error:
        # Without what stands there: it may be a secret.
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise McpConfigError(results.mcp_wrong(path, where, first["msg"])) from None
    return {
        name: _connection(name, each, variables)
        for name, each in file.servers.items()
        if not each.disabled
    }


def _connection(
    name: str, server: _Server, variables: Mapping[str, str]
) -> dict[str, Any]:
    if not SERVER_NAME.fullmatch(name):
        raise McpConfigError(results.mcp_server_name(name))
    if (server.command is None) is (server.url is None):
        raise McpConfigError(results.mcp_no_way(name))
    if server.command is not None:
        found: dict[str, Any] = {
            "transport": "stdio",
            "command": _installed(server.command),
            "args": server.args,
            "env": server.env,
            "cwd": server.cwd,
        }
    else:
        found = {
            "transport": "streamable_http",
            "url": server.url,
            "headers": server.headers,
        }
    return {key: _filled(name, value, variables) for key, value in found.items()}


def _installed(command: str) -> str:
    """The command, also where the bot's own environment is not on the PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(command) or shutil.which(command, path=beside) or command


def read_known(path: Path) -> dict[str, list[Definition]]:
    """Tools that a file of ours tells of its servers, which need not run for that."""
    known = json.loads(path.read_text(encoding="utf-8"))["known"]
    return {
        name: [Definition(name, **each) for each in tools]
        for name, tools in known.items()
    }


def _filled(name: str, value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value(name, found[1], variables), value)
    if isinstance(value, list):
        return [_filled(name, each, variables) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _filled(name, v, variables) for key, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _value(name: str, variable: str, variables: Mapping[str, str]) -> str:
    if variable not in variables:
        raise McpConfigError(results.mcp_variable(name, variable))
    return variables[variable]
