"""The process: `app` and `outside` build its parts, `service` takes it up and down."""

from __future__ import annotations
