"""The cards that people see: pure builders of blocks from stored values."""

from __future__ import annotations
