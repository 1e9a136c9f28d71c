"""Every sentence that people read, by audience: data in, words out."""

from __future__ import annotations
