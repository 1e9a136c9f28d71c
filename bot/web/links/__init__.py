"""The pages of signed links: a GET shows, a POST from that page decides."""

from __future__ import annotations
