"""The simulator's demo workspace: its people and channels, by their ids."""

from __future__ import annotations

TEAM, BOT = "T0SIMULATE", "U0APPROVER"
RAVI, MINA, MAREK = "U0RAVI0000", "U0MINA0000", "U0MAREK000"
FAY, DORA, OLAF = "U0FAY00000", "U0DORA0000", "U0OLAF0000"
GENERAL, APPROVALS = "C0GENERAL0", "C0APPROVAL"
PEOPLE = {
    "Ravi": RAVI,
    "Mina": MINA,
    "Marek": MAREK,
    "Fay": FAY,
    "Dora": DORA,
    "Olaf": OLAF,
}
