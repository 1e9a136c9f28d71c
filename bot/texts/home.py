"""The words of App Home and of `/approvals`. Functions give mrkdwn."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence

from bot.approvals.delegations import Given
from bot.approvals.model import Risk
from bot.approvals.pause import PauseAnswer
from bot.approvals.policy.model import Delegation
from bot.approvals.standing_grants import EQUAL, UNDER, Revoked, StandingGrant
from bot.texts.conversation import because
from bot.texts.formatting import (
    channel_link,
    date,
    day,
    escape,
    joined,
    mention,
    one_line,
)

# --- App Home: headings are plain text ----------------------------------------------
WAITING, ASKED, DECIDED = "Waiting for you", "Your requests", "Recent decisions"
ALLOWED, STANDING_IN = "What you allowed", "Standing in"
FIRST_VISIT = (
    "This agent asks before it acts. What you can decide is listed below, nearest "
    "deadline first. A click here counts as one on the card."
)
NOTHING_WAITS = (
    "Nothing waits for you. When the agent wants to do something that you can decide, "
    "such as *Delete* `reports/q3.csv`, it shows up here with Approve and Reject."
)
NOTHING_ASKED = (
    "You haven't asked for anything yet. Write to me, for example: _Delete the report "
    "of last quarter._ If it needs approval, you can follow it here."
)
NOTHING_DECIDED = "What you approve or reject shows up here with its result."
NOBODY_STANDS_IN = (
    "When you're away, someone can decide for you: `/approvals delegate @dora until "
    "2026-12-31`"
)
RISKS = {Risk.LOW: "low risk", Risk.NORMAL: "normal risk", Risk.HIGH: "high risk"}
RECORDED = "Approved by you, and waiting for others"
NEXT, PREVIOUS, OPEN = "Next page", "Previous page", "Open"


def read_aloud_open(code: str) -> str:
    """Plain text."""
    return f"Open the card of request {code}"


def page_number(page: int) -> str:
    return f"Page {page + 1}"


def next_page(word: str, page: int) -> str:
    """At the end of a private list; `page` is the one above, from 0."""
    return f"{page_number(page)} · next: `/approvals {word} {page + 2}`"


def for_members_only(refusal: str) -> str:
    """`refusal` is a word of `bot.slack.directory`."""
    return (
        "Only full members of this workspace can decide or ask, and "
        f"{because(refusal.replace('_', ' '))}. So there is nothing to see here."
    )


def asked_by(person: str, channel: str, due: dt.datetime, code: str, risk: str) -> str:
    """The line below a request that waits; `person` is mrkdwn, `channel` an id.

    `risk` is "" where the headline says it.
    """
    place = channel_link(channel)
    asked = f"{person} asked in {place}" if place else f"{person} asked"
    return " · ".join(filter(None, [asked, risk, f"by {date(due)}", code]))


def for_whom(user: str) -> str:
    """At a row that a delegate can decide."""
    return f"for {mention(user)}"


def not_whole(code: str) -> str:
    """In place of Approve, where the row does not hold all that is decided on."""
    return f"Too long to show here. Open the card of {escape(code)} to approve it."


def stands_in(delegations: Sequence[Delegation], user: str) -> list[str]:
    """Lines about whom a person stands in for, and who stands in for them."""
    lines: list[str] = []
    for each in delegations:
        last = day(each.until)
        if each.delegate == user:
            lines.append(f"You stand in for {mention(each.principal)} until {last}.")
        else:
            lines.append(f"{mention(each.delegate)} stands in for you until {last}.")
    return lines


def decided(what: str, title: str, code: str) -> str:
    """After a click that counted; `what` says it in a word such as `Approved`."""
    return f"{what}: {title} ({escape(code)})"


# --- /approvals ---------------------------------------------------------------------
HELP = "\n".join(
    [
        "`/approvals` or `/approvals waiting` · what you can decide now",
        "`/approvals mine` · what you have asked for",
        "`/approvals history` · what you have decided",
        "`/approvals mine 2` · the second page of one of these lists",
        "`/approvals show CODE` · one request, such as `K7QP`",
        "`/approvals delegate @dora until 2026-12-31` · someone decides for you",
        "`/approvals delegate off` · take that back",
        "`/approvals revoke CODE` · end what was allowed ahead",
        "`/approvals pause REASON` · `/approvals pause off` · operators stop actions",
        "`/approvals help` · this list",
    ]
)
COULD_NOT_LOOK = (
    "Slack doesn't tell me who you are or which groups you're in, so I can't say what "
    "waits for you. Try again in a moment."
)
IN_APP_HOME = "The rest is in my App Home: open me under Apps, then *Home*."


def unknown_words(words: str) -> str:
    said = escape(one_line(words, 80)).replace("`", "'")
    return f"I don't know `{said}`. This is what I know:\n{HELP}"


def no_such_request(code: str) -> str:
    said = escape(one_line(code, 40)).replace("`", "'")
    return f"There is no request `{said}` that you can see. Codes are like `K7QP`."


SHOW_WHICH = "Say which one: `/approvals show K7QP`"


# --- What was allowed ahead, and a pause ---------------------------------------------
REVOKE = "Revoke"
REVOKE_WHICH = "Say which one: `/approvals revoke K7QP`. App Home lists yours."
PAUSE_WHY = "Say why: `/approvals pause Wrong figures since noon`"
ON_ITS_CARD = (
    "This one asks for more than a click, so nothing was decided. Use its card."
)
REVOKED = {
    Revoked.REVOKED: "Revoked. From now on these requests wait for approval again.",
    Revoked.OVER: "That is over already, so there was nothing to revoke.",
    Revoked.UNKNOWN: "Nothing that was allowed ahead has this code.",
    Revoked.NOT_ALLOWED: (
        "You can't revoke this one. The person who gave it, an approver of its stage "
        "or an operator can."
    ),
    Revoked.COULD_NOT_CHECK: COULD_NOT_LOOK,
}
PAUSES = {
    PauseAnswer.PAUSED: "Paused. No action runs until `/approvals pause off`.",
    PauseAnswer.LIFTED: "The pause is over. What was approved goes on.",
    PauseAnswer.PAUSED_BEFORE: "It is paused already.",
    PauseAnswer.NOT_PAUSED: "Nothing is paused.",
    PauseAnswer.NO_OPERATORS: (
        "The policy names no `operators`, so no one can pause from here. `python -m "
        "bot pause` can."
    ),
    PauseAnswer.NOT_OPERATOR: (
        "Only people of the policy's group `operators` can pause."
    ),
    PauseAnswer.COULD_NOT_CHECK: COULD_NOT_LOOK,
}


def allowed(grant: StandingGrant) -> list[str]:
    """Lines about what a person has allowed ahead; its values are word for word."""
    shown = [
        f"{_code(each.argument)} {_HOW[each.how]} {_code(each.value)}"
        for each in grant.bindings
    ]
    where = "in one conversation" if grant.conversation else "in all conversations"
    who = grant.agent or mention(grant.requester)
    uses = f"{grant.used} of {grant.uses} used"
    return [
        " · ".join([_code(grant.tool), *shown]),
        f"{who}, {where} · {uses} · until {date(grant.expires_at)} · {grant.code}",
    ]


_HOW = {EQUAL: "is", UNDER: "is under"}


def _code(value: object) -> str:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{escape(one_line(said, 500)).replace('`', chr(39))}`"


# --- Delegations --------------------------------------------------------------------
DELEGATE_HOW = (
    "Say who, and the last day: `/approvals delegate @dora until 2026-12-31`. "
    "`tomorrow` is a day too."
)
NOT_YOURSELF = "You can't stand in for yourself. Name a colleague."
NOT_PAST = "That day is over. Name the last day of your absence, today or later."
TOO_LONG = "That is more than a year. Name a day within the next twelve months."
NOT_DELEGABLE = (
    "Your groups don't let people name a stand-in. Ask the policy's owner to add "
    "`delegable_to`."
)
NOBODY_STOOD_IN = "You haven't named anyone to stand in for you, so nothing changed."


def not_delegated(given: Given, user: str) -> str:
    """Say why no one stands in now; `user` is who was named."""
    match given.code:
        case "not_in_group":
            return may_not_stand_in(user, given.groups)
        case "no_member":
            return no_member(user, given.detail)
        case _:
            return _NOT_DELEGATED[given.code]


_NOT_DELEGATED = {
    "yourself": NOT_YOURSELF,
    "past": NOT_PAST,
    "long": TOO_LONG,
    "not_delegable": NOT_DELEGABLE,
}


def ended(users: Sequence[str]) -> str:
    """`users` have stood in until now."""
    return delegation_over(users) if users else NOBODY_STOOD_IN


def may_not_stand_in(user: str, groups: Sequence[str]) -> str:
    """`groups`: a delegate has to be in one of them."""
    named = joined([f"*{escape(each)}*" for each in groups], "or")
    return f"{mention(user)} can't stand in for you: they have to be in {named}."


def no_member(user: str, refusal: str) -> str:
    """`refusal` is a word of `bot.slack.directory`."""
    return (
        f"{mention(user)} can't stand in for you: only full members of this workspace "
        f"can decide ({escape(refusal.replace('_', ' '))})."
    )


def delegated(user: str, until: dt.date, groups: Sequence[str]) -> str:
    named = joined([f"*{escape(each)}*" for each in groups])
    return (
        f"{mention(user)} stands in for you in {named} until {day(until)}. Take it "
        "back with `/approvals delegate off`."
    )


def told_delegate(user: str, until: dt.date) -> str:
    """To whom somebody has named to stand in for them."""
    return (
        f"{mention(user)} has named you to decide for them until {day(until)}. "
        "What waits for you is in my App Home, and under `/approvals`."
    )


def delegation_over(users: Sequence[str]) -> str:
    named = joined([mention(each) for each in users])
    return f"{named} no longer decides for you."
