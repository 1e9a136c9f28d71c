"""The LangGraph agent: it knows nothing of Slack, of people or of the bot."""

from __future__ import annotations

import os

# LangGraph reads this when it is first imported: without it a crafted checkpoint row
# could name any class to be imported (`GHSA-g48c-2wqr-h844`).
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
