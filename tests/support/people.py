"""The people of tests without a simulator: Ravi asks, Mina or Omar approves."""

from __future__ import annotations

from bot.approvals.model import Person
from bot.slack.identity import Identity

TEAM, APP, CHANNEL, APPROVALS = "T1", "A1", "C0GENERAL", "C0APPROVAL"
RAVI, MINA, OMAR, DANA = "U0RAVI", "U0MINA", "U0OMAR", "U0DANA"
FAY, OLAF = "U0FAY", "U0OLAF"
#: The bot itself.
US = Identity("", TEAM, "Team", APP, "B1", "U0BOT", "https://t.slack.example/")


def person(user: str, team: str = TEAM, enterprise: str = "") -> Person:
    return Person(enterprise, team, user)
