"""Durable jobs and the clock."""

from __future__ import annotations
