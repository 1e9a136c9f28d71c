"""The HTTP API: requests, decisions, conversations, for one person per token."""

from __future__ import annotations
