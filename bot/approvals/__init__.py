"""The heart: requests, stages, decisions, grants. It knows no Slack, no LangGraph."""

from __future__ import annotations
