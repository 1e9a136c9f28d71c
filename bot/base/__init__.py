"""Shared by every room: settings, errors, logs, masks, outgoing requests, faults."""

from __future__ import annotations
