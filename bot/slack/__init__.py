"""Everything that knows Slack: people, cards, deliveries, listeners."""

from __future__ import annotations
