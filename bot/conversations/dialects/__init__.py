"""How an interrupt is read and answered, one small file for each kind of payload."""

from __future__ import annotations
