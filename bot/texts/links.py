"""The words of a link's page. Plain text, which the page escapes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.approvals.model import Verdict
from bot.texts.formatting import utc

# --- Sentences that stand alone on a page -------------------------------------------
APPROVAL = "Approval"  # the page's title
NOT_GOOD = (
    "This link doesn't work any more. It was used, is too old, or is about something "
    "that has changed since. Nothing was decided. Use the card in Slack, or wait for "
    "the next e-mail."
)


def used(headline: str, code: str, said: str) -> str:
    """For a link that has decided; `said` is what was decided, "" where it fell."""
    result = f": {said}" if said else ""
    return f"This link has been used. {headline} ({code}){result or ' was decided'}."


NOT_FROM_HERE = (
    "This wasn't sent by the link's own page, so nothing was decided. Open the link "
    "again and decide there."
)
SIGN_IN_FIRST = (
    "This is critical. Sign in with Slack as the person this link is for, then decide "
    "here."
)
# Why no link decides a request, by the word of `why_no_links`.
SHUT = {
    "no_links": "The policy doesn't let links decide this. Use the card in Slack.",
    "critical": (
        "This is marked as critical, and no link decides it. Use the card in Slack."
    ),
    "policy_changed": (
        "The policy has changed since this was asked, so no link decides it "
        "any more. Use the card in Slack."
    ),
}
NO_CHOICE = "Choose one of the page's buttons."
NOT_SIGNED_IN = (
    "Slack didn't say who you are, so nothing was decided. Open the link "
    "in your e-mail again and sign in from there."
)
SIGNED_IN_AS_ANOTHER = (
    "You're signed in to Slack as someone else, and this link isn't "
    "theirs, so nothing was decided. Use the card in Slack."
)

# --- The page of a request ----------------------------------------------------------
ASKED_BY, WHY, DECIDE_UNTIL = "Asked by", "Why", "Decide by"
CAREFUL = "Careful"
LINK_IS_FOR = "This link is for"
CHANGED = "Changed; the agent had asked for"
STAGES, COMMENTS = "Stages", "Comments"
AGENT_SAYS = "The agent says (unverified)"
SIGN_IN = "Sign in with Slack"
REASON_LABEL = "A reason, if you reject"
ANSWER_LABEL = "An answer in the tool's place; it does not run"


def title(status: str, headline: str, code: str) -> str:
    return f"{status}: {headline} ({code})"


def grant(code: str, digest: str) -> str:
    return f"{code} · {digest}"


def person(name: str, user: str) -> str:
    return f"{name} ({user})"


def stage_over(group: str, said: str) -> str:
    """`said` is what its people decided, "" for nothing."""
    return f"{group}: {said or 'nobody decided'}"


def stage_to_come(group: str, quorum: int) -> str:
    return f"{group}: later, {quorum} to approve"


def stage_now(
    group: str,
    *,
    given: int,
    quorum: int,
    people: Sequence[str],
    named: int,
    said: str,
) -> str:
    """At most `named` of the `people` who can decide are named."""
    more = f" and {len(people) - named} more" if len(people) > named else ""
    can = f"{', '.join(people[:named]) or 'nobody'}{more} can decide"
    return f"{group}: now, {given} of {quorum}; {can}{f'; {said}' if said else ''}"


def decided(verdict: Verdict, by: str, at: dt.datetime, reason: str) -> str:
    """`reason` is "" for none."""
    words = {Verdict.APPROVE: "approved", Verdict.REJECT: "rejected"}
    word = words.get(verdict, f"{verdict}ed")
    return f"{word} by {by}, {utc(at)}{f': {reason}' if reason else ''}"
