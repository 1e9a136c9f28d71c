"""Every sentence of the agent, by what it is about: data in, words out."""

from __future__ import annotations
