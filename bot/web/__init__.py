"""HTTP: Slack's requests, health, metrics."""

from __future__ import annotations
