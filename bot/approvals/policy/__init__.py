"""The policy file, read strictly, and what it asks of a call: who must approve what."""

from __future__ import annotations
