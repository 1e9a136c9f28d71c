"""Signed links: a token names one approver, one request, one digest, once."""

from __future__ import annotations
