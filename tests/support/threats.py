"""The table of threats in `docs/threats.md`, made from the names of the tests.

`python -m tests.support.threats` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.support.root import ROOT

PAGE = ROOT / "docs/threats.md"
BEGIN, END = "<!-- threats -->\n", "<!-- end of threats -->\n"
DEFINED = re.compile(r"^(?:async )?def (test_threat_(\d\d)_\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Threat:
    """One row. `beyond` says why it has no test yet, or none at all."""

    title: str
    beyond: str = ""


BEARER = "Below `critical` a link proves a mailbox and no more: see the residual risks."
NO_SUMS = (
    "Does not apply: the policy judges one call. See the residual risks: amounts that "
    "are split are not added up."
)
THREATS: Mapping[int, Threat] = {
    1: Threat("A tool runs past the gate"),
    2: Threat("What runs is not what was shown"),
    3: Threat("An action runs twice"),
    4: Threat("A stale click resumes another call"),
    5: Threat("Anyone in the channel can click"),
    6: Threat("A second path decides without the check"),
    7: Threat("Self-approval"),
    8: Threat("A forged request, an empty secret"),
    9: Threat("A replayed interaction"),
    10: Threat("A GET decides: previews, scanners"),
    11: Threat("A link is a bearer right", BEARER),
    12: Threat("Lies in the loop: the model writes the dialog"),
    13: Threat("Cut or folded arguments hide the payload"),
    14: Threat("Invisible, turning, tag and blank characters"),
    15: Threat("Hosts and addresses that read like others"),
    16: Threat("Markup, pings and masked links in the card"),
    17: Threat("A look-alike card of another app"),
    18: Threat("An approver imitated by name"),
    19: Threat("Guests, strangers, other workspaces, bots"),
    20: Threat("A right that is lost before the run"),
    21: Threat("Membership of a channel as authority"),
    22: Threat("A policy that fails open"),
    23: Threat("Types and currencies at a limit"),
    24: Threat("Odd JSON: two readers see two values"),
    25: Threat("An edit escapes the policy"),
    26: Threat("Silence, or a late click, as consent"),
    27: Threat("The agent asks again after a no"),
    28: Threat(
        "Approval fatigue",
        "In part: `confirm: dialog` and `typed`, the loop guard, an end of the turn "
        "after three rejects, quick decisions in `audit report`; see the residual "
        "risks.",
    ),
    29: Threat("Splitting below the limit", NO_SUMS),
    30: Threat("Prompt injection: the model obeys what it reads"),
    31: Threat("One approval covers several calls"),
    32: Threat("Sub-agents drop the gate"),
    33: Threat("A harmless name for a harmful tool"),
    34: Threat("A tool that changes after its approval"),
    35: Threat(
        "The trail altered",
        "In part: the owner of the database can write the whole trail anew, which "
        "shows beside checkpoints kept elsewhere (`AUDIT_SINK`).",
    ),
    36: Threat("An action without a record"),
    37: Threat("A secret on the card"),
    38: Threat("Secrets in logs, forged log lines"),
    39: Threat("A checkpoint that runs code"),
    40: Threat("Foreign ids and filters in queries"),
    41: Threat("Paths, links and swaps in the file tools"),
    42: Threat("A database call that does more than was shown"),
    43: Threat("Hidden recipients, headers in mail"),
    44: Threat("Requests to addresses that others name"),
    45: Threat("Another page acts for the person"),
    46: Threat("A link that unfolds carries data out"),
    47: Threat("A button's value as authority"),
    48: Threat("N of M by fewer than N"),
    49: Threat("A privileged override"),
    50: Threat("The policy changes while requests are open"),
    51: Threat("A dependency is taken over"),
    52: Threat("Floods and oversize"),
    53: Threat("No one can tell what the call does, or for whom"),
    54: Threat("An agent outside decides, or a person's token asks as an agent"),
    55: Threat("An agent outside has its owner, or whom it names, approve"),
    56: Threat("An agent outside takes the name of a tool that is waived"),
    57: Threat("One agent outside claims or reports for another"),
    58: Threat("A claim that is replayed, or races with another"),
    59: Threat("A key of an agent outside used again with other content"),
    60: Threat("An agent outside runs other arguments than were approved"),
    61: Threat("An approval that an agent outside keeps for later"),
    62: Threat("A hook that fails lets the call run"),
    63: Threat("A page in a browser reaches the MCP server by another name"),
    64: Threat("An agent outside borrows the rights of whom it names"),
    65: Threat("A claim that races with the end of its time"),
    66: Threat("An agent outside floods people"),
    67: Threat("A token in a URL, which logs and proxies keep"),
    68: Threat("A forged button of App Home, or one that it does not offer"),
    69: Threat("App Home shows, or decides, what is another's"),
    70: Threat("A delegate passes the right on, or takes one that no one may give"),
    71: Threat("A server of tools lies about them"),
    72: Threat("Somebody stops another person's turn, or with a forged button"),
    73: Threat("A stranger in the thread asks in the requester's place"),
    74: Threat("A trick with a path or an address leaves the prefix that was allowed"),
    75: Threat("A delegate decides by a right that was ended through another process"),
    76: Threat("What was allowed ahead is used more often than it says"),
    77: Threat("A server's question reaches, or takes an answer from, another person"),
}


def named_tests() -> Iterator[tuple[int, str]]:
    """Number and place of each test that names a threat."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name, number in DEFINED.findall(path.read_text(encoding="utf-8")):
            yield int(number), f"{path.stem}:{name}"


def table() -> str:
    """The rows: number, threat, how many tests show the defence, and which file."""
    found: dict[int, list[str]] = {}
    for number, test in named_tests():
        found.setdefault(number, []).append(test)
    rows = ["| # | threat | tests |", "|---|---|---|"]
    for number, threat in THREATS.items():
        tests = found.get(number, [])
        shown = "<br>".join(f"`{test.partition(':')[2]}`" for test in tests)
        said = "<br>".join(part for part in (threat.beyond, shown) if part)
        rows.append(f"| {number} | {threat.title} | {said} |")
    return "\n".join(rows) + "\n"


def page_with(text: str, rows: str, begin: str = BEGIN, end: str = END) -> str:
    """A page with the table between its two marks."""
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{rows}{end}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(), table()))
