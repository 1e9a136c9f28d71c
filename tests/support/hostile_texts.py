"""Texts that attack or give away: unseen characters, huge arguments, secrets."""

from __future__ import annotations

import json

from hypothesis import strategies as st

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("`*_~<>@!#|&:\\\n\r\t \u202e\u2066\u200b\u3164\u2800👍א"),
    ),
    max_size=200,
)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NASTY,
    lambda inner: st.lists(inner) | st.dictionaries(NASTY, inner),
    max_leaves=20,
)


ARGUMENTS = st.dictionaries(NASTY, JSON, max_size=8)


HUGE = {
    "letters": {"body": "x" * 100_000},
    "emoji": {"body": "👩‍🚀" * 10_000},
    "right to left": {"body": "\u202eאבג" * 5_000},
    "backticks": {"body": "```\n" * 5_000},
    "many keys": {f"key{n}": n for n in range(1_000)},
    "quotes": {"body": '"\\' * 20_000},
    "deep": json.loads('{"a":' * 200 + "1" + "}" * 200),
}

# DerivedCoreProperties.txt, Default_Ignorable_Code_Point, Unicode 17
DEFAULT_IGNORABLE = """
00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164
FE00-FE0F FEFF FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF
"""


def code_points(table: str) -> list[int]:
    points = []
    for entry in table.split():
        first, _, last = entry.partition("-")
        points += range(int(first, 16), int(last or first, 16) + 1)
    return points


TOKENS = [
    "xoxb-1234-5678-CANARYcanary",
    "xoxp-1234-5678-CANARYcanary",
    "xoxe.xoxb-1-CANARYcanary",
    "xoxb-1_2.3~4/5+6=%7-CANARYcanary",
    "xapp-1-A01-123-CANARYcanary",
    "xapp-1_2.3~4/5+6=%7-CANARYcanary",
    "sk-CANARYcanary0123456789",
    "sk-proj-CANARYcanary_0123456789",
    "sk-ant-api03-CANARYcanary",
    "ghp_CANARYcanary0123456789",
    "glpat-CANARYcanary0123",
    "AKIACANARYCANARYCANA",
    "eyJhbGciOiJI.CANARYcanary.CANARYcanary",
    "Bearer CANARYcanary0123",
    "Authorization: Basic CANARYcanary0123456789==",
    "postgresql://bot:CANARY@db/bot",
    "postgres://bot:CAN@NARY/CANARY@db:5432/bot",
    "https://me:CANARY@example.com/",
    "https://CANARY@example.com/",
    "host=db password=CANARY user=bot",
    "host=db password='CANARY CANARY' user=bot",
    "https://hooks.slack.com/actions/T1/2/CANARY",
    "wss://wss.slack.com/link?ticket=CANARY-1&app_id=2",
]
