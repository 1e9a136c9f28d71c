"""The plain requests to send an e-mail."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

EXAMPLES = {"send_email": "`email ann@example.com about Lunch: See you at noon.`"}
_ADDRESS = r"[^\s@,;:<>\"'`]+@[^\s@,;:<>\"'`]*[^\s@,;:<>\"'`.]"
_EMAIL = re.compile(
    rf"(?:e-?mail|send (?:an |the )?e-?mail to)\s+(?P<to>{_ADDRESS})\s+about\s+"
    r"(?P<subject>[^\n:]{1,200}?)\s*:\s*(?P<body>.+)",
    re.IGNORECASE | re.DOTALL,
)


def read_request(
    text: str, tools: Collection[str]
) -> tuple[str, dict[str, Any], str] | None:
    """Read an e-mail, which goes on to the end of the text; None if it is none.

    Returns the tool, its arguments and the rest of the text.
    """
    match = _EMAIL.match(text)
    if match is None or "send_email" not in tools:
        return None
    args = {name: match[name].strip() for name in ("to", "subject", "body")}
    return "send_email", args, ""
