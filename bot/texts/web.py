"""Words for people and programs outside of Slack: verdicts, and the pages of links.

The answers of `bot.texts.clicks` without mrkdwn: people are their ids. A page escapes
its plain text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.eligibility import closed_by, who_can_decide
from bot.approvals.judge import Result
from bot.approvals.model import Effect, Person, Request, Status, Verdict
from bot.texts.cards import STATUS_WORDS, unfillable
from bot.texts.clicks import IN_FORM, in_form
from bot.texts.conversation import because
from bot.texts.formatting import counted, for_reader, joined, one_line

MOST_NAMED = 5  # people
NOT_FOUND = "There is no such request among those that you asked for or can decide."
COULD_NOT_CHECK = (
    "Slack doesn't tell me who you are, so nothing was decided. Try again "
    "in a moment. If this lasts, tell the bot's admin."
)
EDIT_SAME = "You changed nothing, so nothing was decided. Change a value, or approve."
NOT_NOW = "The database cannot be reached right now, so nothing was done. Try again."
# To Slack, or to anyone else who sends something to its address.
BODY_TOO_LARGE = "The body is too large."
UNREADABLE = "The body cannot be read."
NOT_SIGNED = "The signature is missing or wrong."
NOT_READY = "Not ready; please send it again."
NOT_STORED = "Not stored; please send it again."


def too_many(seconds: int) -> str:
    """For somebody above RATE_LIMIT."""
    return f"Too many requests. Try again in {counted(seconds, 'second')}."


@dataclass(frozen=True)
class Answer:
    """The answer to a verdict: an HTTP status, a word for programs, a sentence."""

    status: int
    word: str
    sentence: str


def answer(result: Result, request: Request, person: Person) -> Answer:
    """Build the answer to a person's verdict on a request, as it was judged."""
    match result.effect:
        case Effect.TIMED_OUT:
            return Answer(410, "timed_out", _timed_out(request))
        case Effect.LATE:
            return _late(request)
        case Effect.REFUSED:
            return _refused(result, request, person)
        case _:
            return Answer(200, str(result.effect), _done(result))


def _done(result: Result) -> str:
    if result.effect is Effect.REJECTED and result.code == "unfillable":
        return unfillable(result.detail)
    if result.effect is Effect.REJECTED and result.code == "denied":
        return f"The policy doesn't allow this any more. {result.detail}".strip()
    return DONE[result.effect]


#: Every effect of a verdict that was taken.
DONE = {
    Effect.RECORDED: "Your approval counts. More approvals are needed.",
    Effect.STAGE_PASSED: "Your approval counts. The next stage is open.",
    Effect.APPROVED: "Approved. It runs now.",
    Effect.EDITED: "The arguments are changed. The new values need approval.",
    Effect.ANSWERED: "Answered in the tool's place. The tool does not run.",
    Effect.REJECTED: "Rejected. It does not run.",
    Effect.WITHDRAWN: "Withdrawn. It does not run.",
    Effect.REPEATED: "This was counted already. Nothing changed.",
}


def can_decide(request: Request, refused: str = "") -> str:
    """Say who can decide a request now, by their ids; not who was just refused."""
    who = [user for user in who_can_decide(request) if user != refused]
    if not who:
        return "No one can decide it at the moment. Tell the bot's admin."
    more = f" and {len(who) - MOST_NAMED} more" if len(who) > MOST_NAMED else ""
    named = joined(who) if not more else ", ".join(who[:MOST_NAMED])
    return f"{named}{more} can decide it."


def _timed_out(request: Request) -> str:
    at = for_reader(request.end.decided_at or request.deadline)
    return f"This request timed out, {at}. If it's still needed, ask the agent again."


def _late(request: Request) -> Answer:
    if request.status is Status.TIMED_OUT:
        return Answer(410, "timed_out", _timed_out(request))
    at = for_reader(request.end.decided_at or request.deadline)
    by = closed_by(request)
    who = f" by {one_line(by, 80)}" if by else ""
    word = STATUS_WORDS[request.status].lower()
    said = f"This request is already {word}{who}, {at}. Nothing changed."
    return Answer(409, "already_decided", said)


def _refused(result: Result, request: Request, person: Person) -> Answer:
    word = result.code
    if word in IN_FORM:
        return Answer(422, word, _mistake(result, request))
    if word == "could_not_check":
        return Answer(503, word, COULD_NOT_CHECK)
    if word in ("unknown_request", "other_team"):
        return Answer(404, "not_found", NOT_FOUND)
    if word == "superseded":
        editor = one_line(request.call.edited_by, 80)
        what = f"{editor} changed the arguments" if editor else "The request changed"
        said = f"{what} after you saw it, so nothing was decided. Look at it again."
        return Answer(409, word, said)
    if word == "already_decided":
        own = [d.at for d in request.chain.decisions if d.person.is_same(person)]
        when = f", {for_reader(own[-1])}" if own else ""
        said = f"You already decided on this request{when}, and each person decides"
        return Answer(409, "you_already_decided", f"{said} once.")
    return Answer(403, word.replace(" ", "_"), _may_not(word, request, person))


def _may_not(word: str, request: Request, person: Person) -> str:
    known = {
        "requester": "You asked for this yourself, so someone else has to approve it.",
        "participant": (
            "You wrote in the conversation that led to this request, so someone "
            "else has to decide it."
        ),
        "not_in_group": "You can't decide this request.",
        "not_allowed": "The policy does not offer that for this request.",
        "only_requester_withdraws": "Only the person who asked can withdraw it.",
    }
    if said := known.get(word):
        return f"{said} Nothing was decided. {can_decide(request)}"
    others = can_decide(request, refused=person.user)
    said = f"Only full members can decide, and {because(word)}."
    return f"{said} Nothing was decided. {others}"


def _mistake(result: Result, request: Request) -> str:
    return EDIT_SAME if result.code == "edit_same" else in_form(result, request)


# --- Sentences that stand alone on a page -------------------------------------------
APPROVAL = "Approval"  # the page's title
NOT_GOOD = (
    "This link doesn't work any more. It was used, is too old, or is about something "
    "that has changed since. Nothing was decided. Use the card in Slack, or wait for "
    "the next e-mail."
)


def used(said: str, code: str) -> str:
    """For a link that has decided; `said` is what was decided, "" where it fell."""
    return f"This link has been used ({code}): {said or 'the request was decided'}."


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
ASKED_BY, WHY, DECIDE_UNTIL = "Asked by", "Good to know", "Decide by"
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
    return f"{group}: {said or 'no one decided'}"


def stage_to_come(group: str, quorum: int) -> str:
    return f"{group} (later): {quorum} must approve"


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
    can = f"{', '.join(people[:named]) or 'no one'}{more} can decide"
    so_far = f"{given} of {quorum} approved"
    return f"{group} (now): {can}; {so_far}{f'; {said}' if said else ''}"


def decided(verdict: Verdict, by: str, at: dt.datetime, reason: str) -> str:
    """`reason` is "" for none."""
    words = {Verdict.APPROVE: "approved", Verdict.REJECT: "rejected"}
    word = words.get(verdict, f"{verdict}ed")
    return f"{word} by {by}, {for_reader(at)}{f': {reason}' if reason else ''}"
