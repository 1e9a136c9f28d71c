"""Notices outside of Slack: e-mails about requests, events to a webhook."""

from __future__ import annotations
