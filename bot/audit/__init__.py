"""The trail for those who check it: verify, export, report, signed checkpoints."""

from __future__ import annotations
