"""Conversations: messages in, runs of the graph, what came of them."""

from __future__ import annotations
