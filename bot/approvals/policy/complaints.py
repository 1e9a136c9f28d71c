"""Say what is wrong with a policy file, or with a call: where, and what to do.

A sentence about one key follows the key's path, so it begins in small letters.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Loc = tuple[str | int, ...]
_PLAIN_KEY = re.compile(r"[\w-]+")
_FEW_KEYS = 12
_SHOWN = 60  # characters of a value that a sentence repeats


@dataclass(frozen=True)
class Complaint:
    """One thing to mend. `path` is the key's path, a line, or "" for the whole file."""

    path: str
    sentence: str

    @classmethod
    def at(cls, loc: Loc, sentence: str) -> Complaint:
        """Complain about the value at this place of the file."""
        return cls(key_path(loc), sentence)

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class PolicyError(Exception):
    """The policy cannot be used. `complaints` says why, all of it."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in self.complaints))


def key_path(loc: Loc) -> str:
    """Write a place in the file as people do: `rules[3].stages[0].approvers`."""
    path = ""
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f"[{shown(step)}]"
    return path


def shown(value: object) -> str:
    """Repeat a value from the file inside a sentence, cut to a readable length."""
    text = " ".join(str(value).split())
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    visible = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return f"`{visible}`"


def kind(value: object) -> str:
    """Say what YAML made of a value, for somebody who meant something else."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {shown(value)[1:-1]}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return "a list" if isinstance(value, list) else "a mapping"


# --- The file ----------------------------------------------------------------------
EMPTY_FILE = "The policy is empty; write `version: 1`."
NOT_UTF8 = "this is not UTF-8; save the file as UTF-8."


def too_big(kib: int) -> str:
    return f"The policy is over {kib} KiB; shorten it."


def no_file(path: object) -> str:
    return f"The policy {path} isn't a file."


def file_missing(path: object) -> str:
    return f"The policy file {path} is not there; set POLICY_FILE or write it."


def file_unreadable(path: object, reason: str | None) -> str:
    return f"The policy file {path} cannot be read: {reason}."


def no_mapping(value: object) -> str:
    return f"The policy must be a mapping of keys to values, not {kind(value)}."


def change_refused(version: str, first: str, more: int) -> str:
    """`version` is of the policy before, `first` the first of the complaints."""
    others = f" ({more} more in the log)" if more else ""
    kept = f"the policy before it, {version}, stays in force"
    return f"the changed file cannot be used, {kept}: {first}{others}"


# --- Its YAML ----------------------------------------------------------------------
TOO_DEEP = "the nesting is too deep to be meant."
SECOND_DOCUMENT = "a second document starts here; a policy is one document."
MERGE_KEY = "merge keys (`<<`) are not allowed; write the keys out."
KEY_NOT_TEXT = "a key must be text, not a list or a mapping."
IN_QUOTES = " (put a value that starts with * or @ in quotes)"


def alias(name: object) -> str:
    return (
        f"aliases ({shown(f'*{name}')}) are not allowed; write the value out, or put a "
        "name that starts with * in quotes."
    )


def anchor(name: str) -> str:
    return f"anchors ({shown(f'&{name}')}) are not allowed; remove it."


def tag(name: str) -> str:
    return f"tags ({shown(name)}) are not allowed; remove it."


def not_allowed_in_yaml(code: str) -> str:
    """`code` is a character's, such as U+0007."""
    return f"The policy holds {code}, which YAML does not allow."


def no_yaml(problem: object) -> str:
    return f"The policy isn't YAML: {problem}."


def no_yaml_here(problem: str, hint: str = "") -> str:
    return f"this isn't YAML: {problem}{hint}."


def key_twice(first: int, second: int) -> str:
    """Both are numbers of lines."""
    return f"the key is there twice (lines {first} and {second}); keep one."


def key_no_text(key: str) -> str:
    return f"the key {shown(key)} is not read as text; put it in quotes."


# --- Keys --------------------------------------------------------------------------
EMPTY = "is empty; give it a value or leave the key out."
MISSING = "is missing."
#: By the room that the key stands in (`schema.SHAPES`), and the key.
MISSING_KEYS = {
    ("", "version"): "is missing; write `version: 1`.",
    ("stages", "approvers"): "is missing; name the group that decides.",
    ("delegations", "from"): "is missing; write the user id of the person who is away.",
    ("delegations", "to"): "is missing; write the user id of the person who stands in.",
    ("delegations", "until"): "is missing; write the last day, such as 2026-12-31.",
    ("escalate", "after"): "is missing; write how long to wait, such as 4h.",
    ("escalate", "to"): "is missing; name the group that joins.",
    ("hours", "days"): "is missing; list days such as [mon, tue].",
    ("hours", "from"): "is missing; write when the hours begin, such as 09:00.",
    ("hours", "to"): "is missing; write when the hours end, such as 17:00.",
}
OUTCOME_MISSING = "is missing; write what the graph is resumed with."
BUILT_IN = "`requester` is built in; rename."
WITH_CHANNEL = "only goes with `channel`; leave the key out."
WITH_INTERRUPTS = "only goes with `interrupts`; remove it."
WITH_TOOLS = "only goes with `tools`; remove it."
NOTHING_TO_CLAIM = "is for agents outside, and none claims anything here; remove it."
NEVER_AHEAD = "can't go with `critical`; remove one of the two."
WITH_STAGES = "only goes with `stages`, since no one is asked here; remove it."
NEVER_WAIVED = "a raw interrupt is never waived; use `stages` or `deny: true`."


def unknown_key(suggestion: str, known: Sequence[str]) -> str:
    """`known` are the keys that the place takes; few enough of them are named."""
    if suggestion:
        return f"unknown key; did you mean `{suggestion}`?"
    few = len(known) <= _FEW_KEYS
    return f"unknown key; use {_choice(known)}." if few else "unknown key; remove it."


def several_of(given: Sequence[str], keys: Sequence[str]) -> str:
    both = " and ".join(f"`{key}`" for key in given)
    return f"has {both}; keep one of {_choice(keys)}."


def none_of(keys: Sequence[str]) -> str:
    return f"needs one of {_choice(keys)}."


def _choice(keys: Sequence[str]) -> str:
    first, last = ", ".join(f"`{key}`" for key in keys[:-1]), f"`{keys[-1]}`"
    return f"{first} or {last}" if first else last


REMOVE = "remove it"
LARGER_QUORUM = "ask for a larger `quorum`"


def stands_twice(value: str, remedy: str = REMOVE) -> str:
    """`value` as the file writes it, in backticks where it is text."""
    return f"{value} is here twice; {remedy}."


def name_taken(name: str, owner: str) -> str:
    """`owner` is the path of the rule that has this name."""
    return f"{shown(name)} is taken by {owner}; rename one."


# --- Types of values ---------------------------------------------------------------
HALF_CHARACTER = "holds half a character; write it out."
#: By pydantic's name for what it found.
WRONG_TYPES = {
    "string_type": "must be text, not {found}; quotes make a value text.",
    "string_unicode": HALF_CHARACTER,
    "bool_type": "must be `true` or `false`, not {found}.",
    "int_type": "must be a whole number, not {found}.",
    "greater_than_equal": "must be 1 or more, not {found}.",
    "list_type": "must be a list, not {found}.",
    "dict_type": "must be a mapping of keys to values, not {found}.",
    "model_type": "must be a mapping of keys to values, not {found}.",
}
LEAVE_OUT = "; leave the key out"
OR_NO_ONE = ", or no one could ask"
ANYBODY = "`*` isn't a person; list the people's user ids."
ONE_LINE = "must be one line of up to 80 characters, with no spaces around."
A_TITLE = "must be one line of 1 to 150 printable characters."
BRACES = (
    "has a brace that names no argument; write it as in `Delete {path}`, a dot reaches "
    "inside."
)
A_SENTENCE = "must be a sentence of 1 to 500 printable characters."


def none_of_values(allowed: Iterable[object], value: object, hint: str) -> str:
    words = _choice([str(one).lower() for one in allowed])
    return f"must be {words}, not {kind(value)}{hint}."


def no_user_id(value: str, *, is_address: bool) -> str:
    if value.startswith("@"):
        what = "a handle"
    else:
        what = "an e-mail address" if is_address else "not a Slack user id"
    return f"{shown(value)} is {what}; write a user id such as U0123ABCDEF."


def no_agent(value: str) -> str:
    return f"{shown(value)} isn't an agent's name; write one of API_AGENTS."


def no_channel(value: str) -> str:
    what = _no_channel_id(value)
    return f"{shown(value)} is {what}; write an id such as C0123ABCDEF, thread or dm."


def no_channel_id(value: str) -> str:
    what = _no_channel_id(value)
    return f"{shown(value)} is {what}; write an id such as C0123ABCDEF."


def _no_channel_id(value: str) -> str:
    return "a channel's name" if value.startswith("#") else "not a Slack channel id"


def no_usergroup_id(value: str) -> str:
    what = "a handle" if value.startswith("@") else "not a Slack user group id"
    return f"{shown(value)} is {what}; write an id such as S0123ABCDEF."


def no_field_id(value: str) -> str:
    return f"{shown(value)} isn't a profile field's id; write one such as Xf0123ABCDEF."


def no_day(value: object) -> str:
    return f"must be a day such as 2026-12-31, not {kind(value)}."


def no_timezone(value: str) -> str:
    return (
        f"{shown(value)} isn't a known time zone; write an IANA name such as "
        "Europe/London."
    )


def no_span(value: object) -> str:
    form = "a whole number with its unit (s, m, h or d), such as 24h"
    return f"must be {form}, not {kind(value)}."


def span_out_of_range(value: str) -> str:
    return f"must be from 1s to 90d, not {shown(value)}."


def no_time_of_day(value: object) -> str:
    return f"must be a time of day such as 09:00, not {kind(value)}."


def no_weekday(value: object, days: Iterable[str]) -> str:
    return f"must be one of {', '.join(days)}, not {kind(value)}."


def no_name(value: str) -> str:
    return f"{shown(value)} isn't a name; `*` can only be its last character."


# --- Conditions --------------------------------------------------------------------
def no_argument(value: str) -> str:
    return f"{shown(value)} isn't an argument; write a name, or a path like a.b."


def no_operators(value: object) -> str:
    found = kind(value)
    hint = "{in: […]}" if isinstance(value, list) else "{eq: …}"
    return f"must be operators with values, such as `{hint}`, not {found}."


def no_scalar(value: object) -> str:
    return f"must be a text, a number or a boolean, not {kind(value)}."


def no_order(value: object) -> str:
    return f"must be a number or a text, not {kind(value)}."


def mixed(one: str, other: str) -> str:
    return (
        f"mixes {one} and {other}, and only values of one type can be compared; quotes "
        "make a value text."
    )


def long_pattern(most: int) -> str:
    return f"is over {most} characters; shorten the pattern."


def no_pattern(error: object) -> str:
    return f"isn't an RE2 pattern ({shown(error)})."


def no_plain_path(value: str) -> str:
    return (
        f"{shown(value)} isn't a plain path; write one such as reports/2026, without "
        "`..`, `~`, escapes and backslashes."
    )


def no_host(value: str) -> str:
    return (
        f"{shown(value)} isn't a host name; write example.com, or *.example.com for "
        "every host below it."
    )


# --- Groups, stages and times ------------------------------------------------------
LISTS_USERS = "must be a group that lists its `users`."
SAME_PERSON = "is the same person as `from`; name someone else."
SAME_TWO = "the same two people are here twice; keep the later `until`."
OWN_APPROVAL = "silence cannot let people approve their own requests."
ENDS_BEFORE = "must be later than `from`, on the same day."


def no_group(name: str, declared: Iterable[str]) -> str:
    known = list(declared)
    if near := difflib.get_close_matches(name, known, n=1, cutoff=0.75):
        return f"{shown(name)} isn't a group; did you mean {shown(near[0])}?"
    names = ", ".join(map(shown, known)) or "none"
    return f"{shown(name)} isn't a group of `approvers` (declared: {names})."


def over_the_group(quorum: int, group: str, size: int) -> str:
    return f"asks for {quorum}, but {shown(group)} has {size} in all."


def longer_than_all(whole: str) -> str:
    return f"is longer than the whole request waits ({whole})."


def too_late(end: str) -> str:
    return f"comes too late: it is over after {end}."


def decides_already(group: str) -> str:
    return f"{shown(group)} decides this stage already; name others."


# --- What a graph is resumed with --------------------------------------------------
NO_ROOM_FOR_TEXT = "needs {text} where a person's text goes."
LIKE_APPROVE = "is the same as `approve`; the graph couldn't tell them apart."


def no_answers(value: object) -> str:
    return (
        "must be `words`, `booleans` or {approve: …, reject: …, timed_out: …}, not "
        f"{kind(value)}."
    )


def answers_differ(other: int) -> str:
    return (
        f"rules[{other}] may name the same interrupt with other answers; use the same "
        "in both."
    )


# --- A call: why the policy does not let it run, or asks for more -------------------
def no_rule(name: str) -> str:
    return f"No rule of the policy allows {name}."


def no_level(level: object, known: Iterable[str]) -> str:
    names = ", ".join(known) or "none"
    return f"The policy has no level {shown(level)} (it has: {names})."


def denied_by(rule: str, name: str) -> str:
    return f"The policy's rule {rule} denies {name}."


def too_long(length: int, most: int) -> str:
    """Both in characters."""
    return (
        f"The arguments are {length:,} characters long, and no one can judge more than "
        f"{most:,}. Ask for less at once."
    )


def hidden(argument: str) -> str:
    return (
        f"The argument {argument} looks like a secret, which people are not shown, but "
        "the policy decides by it. Give it another value."
    )


def asks_for_more(stages: Iterable[str]) -> str:
    """`stages` names what a stricter policy adds; it may add another way alone."""
    added = ", ".join(stages) or "another confirmation"
    return f"The policy has changed and asks for more now: {added}."


def sooner(group: str) -> str:
    return f"{group} (sooner)"


# Why it may not begin: the trail has these words too.
NOTHING_STORED = "no approval is stored for it"
NOT_THE_APPROVED = "what would run is not what was approved"
DOES_NOT_HOLD = "its approval does not hold"
PAUSED = "an operator has paused all actions"


# --- Its arguments, or an answer: these go on a sentence that names them ------------
NO_ARGUMENTS = "no arguments were given"
SCHEMA_UNREADABLE = "their schema can't be read, so it's unknown whether they fit"


LARGEST_WHOLE = 2**53 - 1  # that JSON holds exactly, for every reader


def not_canonical(error: object) -> str:
    return f"the arguments cannot be written down: {error}"


def no_such_number(place: Loc, number: float) -> str:
    """`place` is that of the number among the arguments."""
    known = "JSON has no such number"
    if isinstance(number, int):
        known = f"in JSON, whole numbers are exact up to {LARGEST_WHOLE}"
    named = key_path(place) or "the value"
    return not_canonical(f"{named} is {shown(number)}; {known}")


def unknown_argument(name: str) -> str:
    return f"there is no argument {name!r}"


def no_match(value: str, pattern: str) -> str:
    return f"{value!r} does not match {pattern!r}"
