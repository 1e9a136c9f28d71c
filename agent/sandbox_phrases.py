"""The plain requests about the sandbox's accounts and databases."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

EXAMPLES = {
    "list_accounts": "`accounts`",
    "transfer_money": "`transfer 500 GBP to alice` or `pay alice £500`",
    "list_databases": "`databases`",
    "drop_database": "`drop database staging`",
}
_CURRENCIES = {
    **dict.fromkeys(("gbp", "£", "pound", "pounds"), "GBP"),
    **dict.fromkeys(("eur", "€", "euro", "euros"), "EUR"),
    **dict.fromkeys(("usd", "$", "dollar", "dollars"), "USD"),
}

# A whole number or one with at most two decimals; no part of a longer one.
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,20})(?:\.[0-9]{1,2})?(?![.,]?[0-9])"
_CODE = "GBP|EUR|USD"
_SIGN = "[£€$]"
_WORD = "pounds?|euros?|dollars?"
_AMOUNT = (
    rf"(?:(?P<before>{_SIGN}|(?:{_CODE})\b)[ ]?(?P<number>{_NUMBER})"
    rf"|(?P<Number>{_NUMBER})[ ]?(?P<after>{_SIGN}|(?:{_CODE}|{_WORD})\b))"
)
# Not the beginning of something longer, such as a path.
_ALONE = r"(?![\w./\\-]*[\w/\\])"
_NAME = rf"(?P<quote>[`\"']?)(?P<name>[A-Za-z0-9_-]{{1,64}})(?P=quote){_ALONE}"
_LIST = re.compile(
    r"(?:(?:list|ls|show)\s+)?(?:me\s+)?(?:(?:the|my|our|all)\s+){0,2}"
    rf"(?P<what>accounts|databases)\b{_ALONE}",
    re.IGNORECASE,
)
_TRANSFER = re.compile(
    rf"(?:transfer|send|pay|wire)\s+{_AMOUNT}\s+to\s+{_NAME}", re.IGNORECASE
)
_PAY = re.compile(rf"(?:pay|send)\s+{_NAME}\s+{_AMOUNT}", re.IGNORECASE)
# "drop it" says nothing by itself, and a guess is no request.
_NO_NAME = r"(?!(?:it|that|this|them|all|everything|the|a|databases?)\b)"
_DROP = re.compile(
    rf"drop\s+(?:the\s+)?(?:database\s+)?{_NO_NAME}{_NAME}(?:\s+database\b)?",
    re.IGNORECASE,
)

Found = tuple[str, dict[str, Any], str]


def read_request(text: str, tools: Collection[str]) -> Found | None:
    """Read one request at the beginning of a text.

    Returns the tool, its arguments and the rest of the text; None where it is none of
    these requests, or one for a tool that is not there.
    """
    found = _listed(text) or _transfer(text) or _dropped(text)
    return found if found and found[0] in tools else None


def _listed(text: str) -> Found | None:
    match = _LIST.match(text)
    if match is None:
        return None
    return f"list_{match['what'].lower()}", {}, text[match.end() :]


def _transfer(text: str) -> Found | None:
    match = _TRANSFER.match(text) or _PAY.match(text)
    if match is None:
        return None
    currency = _CURRENCIES[(match["before"] or match["after"]).lower()]
    args = {
        "to": match["name"].lower(),
        "amount": _amount(match["number"] or match["Number"]),
        "currency": currency,
    }
    return "transfer_money", args, text[match.end() :]


def _amount(digits: str) -> int | float:
    # As a model server writes it: a whole number has no decimals.
    whole, _, decimals = digits.replace(",", "").partition(".")
    return float(f"{whole}.{decimals}") if decimals.strip("0") else int(whole)


def _dropped(text: str) -> Found | None:
    match = _DROP.match(text)
    if match is None:
        return None
    return "drop_database", {"name": match["name"]}, text[match.end() :]
