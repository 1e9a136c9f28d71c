"""The tool `read_shared_file`: a text file that somebody shared in the conversation."""

from __future__ import annotations

from typing import Protocol

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, ConfigDict, Field

from agent.phrases import results
from agent.tools.files import MAX_READ, FileError

SHARED = "read_shared_file"  # the tool's name
LONGEST_ID = 40  # characters


class SharedFiles(Protocol):
    """Knows the files that were shared where a conversation takes place."""

    async def read(self, conversation: str, file: str, most: int) -> tuple[bytes, int]:
        """Return the first `most` bytes of a text file, and its whole size.

        Args:
            conversation: the thread's id in the graph.
            file: its id; one of another conversation does not exist.

        Raises:
            FileError: a sentence for the model.
        """
        ...


class ReadSharedFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    file: str = Field(
        max_length=LONGEST_ID,
        description="The id in a message's list of files, such as F0123ABC.",
    )


def make_shared_tool(shared: SharedFiles) -> BaseTool:
    """Make the tool over the files of the conversation that it is called in."""

    async def read_shared_file(file: str, config: RunnableConfig) -> str:
        """Read a text file that somebody has shared in this conversation."""
        conversation = str(config.get("configurable", {}).get("thread_id"))
        data, size = await shared.read(conversation, file, MAX_READ)
        if b"\0" in data:
            raise FileError(results.no_text_file(file, size))
        if not data:
            return results.is_empty(file)
        text = data.decode("utf-8", "replace")
        if size > len(data):
            text += f"\n{results.bytes_cut(len(data), size)}"
        return text

    return StructuredTool.from_function(
        coroutine=read_shared_file, args_schema=ReadSharedFile
    )
