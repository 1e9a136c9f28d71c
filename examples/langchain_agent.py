"""LangChain's `create_agent` with its own approval middleware, unchanged.

    AGENT=examples/langchain_agent.py:graph make run

Write `delete reports/q3.csv`; with no key the offline model answers. `per_call` asks
about each call by itself, with a card for each; the default, `batched`, works as well.
"""

from __future__ import annotations

import os
from pathlib import Path

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware

from agent.models import make_model
from agent.tools import make_tools

TOOLS = make_tools(
    ["files"], files_dir=Path(os.environ.get("FILES_DIR", ".data/files"))
)
APPROVAL = HumanInTheLoopMiddleware(
    {"delete_file": True, "write_file": True}, interrupt_mode="per_call"
)

graph = create_agent(
    make_model(
        api_key=os.environ.get("OPENAI_API_KEY"),
        base_url=os.environ.get("OPENAI_BASE_URL"),
        model=os.environ.get("OPENAI_MODEL"),
    ),
    TOOLS,
    middleware=[APPROVAL],
)
