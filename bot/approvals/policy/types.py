"""The types of single values in the policy file, and of a rule's `when`."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bot.approvals.policy import complaints
from bot.approvals.policy.conditions import compiled, path_parts, plain_host, sort_of
from bot.approvals.policy.model import DM, THREAD, zone
from bot.approvals.policy.titles import is_template

# https://docs.slack.dev/reference/objects/user-object: ids start with U or W
USER_ID = re.compile(r"[UW][A-Z0-9]{2,}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{2,}")
# https://docs.slack.dev/reference/objects/usergroup-object
_USERGROUP_ID = re.compile(r"S[A-Z0-9]{2,}")
# https://docs.slack.dev/reference/methods/team.profile.get: `profile.fields[].id`
_FIELD_ID = re.compile(r"Xf[A-Z0-9]{2,}")
AGENT_NAME = "[a-z0-9-]{1,40}"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_SPAN = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TOOL = re.compile(r"[^\s*]*\*?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORTEST, LONGEST = dt.timedelta(seconds=1), dt.timedelta(days=90)


def wrong(sentence: str) -> PydanticCustomError:
    """Make the error that carries our own sentence through pydantic."""
    return PydanticCustomError("policy", "{sentence}", {"sentence": sentence})


def only(*allowed: object, hint: str = "") -> BeforeValidator:
    """Allow these values of exactly these types: `true` and `1.0` are no 1."""

    def check(value: Any) -> Any:
        if not any(type(value) is type(one) and value == one for one in allowed):
            raise wrong(complaints.none_of_values(allowed, value, hint))
        return value

    return BeforeValidator(check)


def _user_id(value: str) -> str:
    if USER_ID.fullmatch(value):
        return value
    if value == "*":
        raise wrong(complaints.ANYBODY)
    is_address = _EMAIL.fullmatch(value) is not None
    raise wrong(complaints.no_user_id(value, is_address=is_address))


def _agent_name(value: str) -> str:
    if not re.fullmatch(AGENT_NAME, value):
        raise wrong(complaints.no_agent(value))
    return value


def _channel(value: str) -> str:
    if value in {THREAD, DM} or _CHANNEL_ID.fullmatch(value):
        return value
    raise wrong(complaints.no_channel(value))


def _channel_id(value: str) -> str:
    if _CHANNEL_ID.fullmatch(value):
        return value
    raise wrong(complaints.no_channel_id(value))


def _usergroup_id(value: str) -> str:
    if _USERGROUP_ID.fullmatch(value):
        return value
    raise wrong(complaints.no_usergroup_id(value))


def _field_id(value: str) -> str:
    if _FIELD_ID.fullmatch(value):
        return value
    raise wrong(complaints.no_field_id(value))


def _day(value: Any) -> dt.date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:  # such as 2026-02-30
            pass
    raise wrong(complaints.no_day(value))


def _timezone(value: str) -> str:
    try:
        zone(value)
    except (ValueError, OSError, KeyError) as error:
        raise wrong(complaints.no_timezone(value)) from error
    return value


def _span(value: Any) -> dt.timedelta:
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise wrong(complaints.no_span(value))
    number = min(int(match[1]), 90 * 24 * 60 * 60 + 1)  # timedelta's own bound is near
    span = dt.timedelta(**{_UNITS[match[2]]: number})
    if not SHORTEST <= span <= LONGEST:
        raise wrong(complaints.span_out_of_range(value))
    return span


def in_units(span: dt.timedelta) -> str:
    """A span as the file writes it, in the largest unit that fits: `24h` is `1d`."""
    seconds = int(span.total_seconds())
    units = ((86400, "d"), (3600, "h"), (60, "m"))
    size, unit = next((u for u in units if seconds % u[0] == 0), (1, "s"))
    return f"{seconds // size}{unit}"


def _time_of_day(value: Any) -> int:
    """Minutes since midnight."""
    match = _TIME_OF_DAY.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise wrong(complaints.no_time_of_day(value))
    return int(match[1]) * 60 + int(match[2]) if match[1] else 24 * 60


def _weekday(value: Any) -> int:
    """The number of a day, Monday being 0."""
    if value not in WEEKDAYS:
        raise wrong(complaints.no_weekday(value, WEEKDAYS))
    return WEEKDAYS.index(value)


def _name_pattern(value: str) -> str:
    if not _TOOL.fullmatch(value) or not value.isprintable():
        raise wrong(complaints.no_name(value))
    return value


def _one_line(value: str) -> str:
    if len(value) > 80 or not value.isprintable() or value != value.strip():
        raise wrong(complaints.ONE_LINE)
    return value


def _sentence(value: str) -> str:
    text = " ".join(value.split())
    if not text or len(text) > 500 or not text.isprintable():
        raise wrong(complaints.A_SENTENCE)
    return text


def _title(value: str) -> str:
    if len(value) > 150 or not value.isprintable() or not value.strip():
        raise wrong(complaints.A_TITLE)
    if not is_template(value):
        raise wrong(complaints.BRACES)
    return value.strip()


UserId = Annotated[str, AfterValidator(_user_id)]
AgentName = Annotated[str, AfterValidator(_agent_name)]
UserIds = list[UserId]
UsergroupId = Annotated[str, AfterValidator(_usergroup_id)]
FieldId = Annotated[str, AfterValidator(_field_id)]
Channel = Annotated[str, AfterValidator(_channel)]  # or the conversation's thread
ChannelId = Annotated[str, AfterValidator(_channel_id)]
Day = Annotated[dt.date, BeforeValidator(_day)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Span = Annotated[dt.timedelta, BeforeValidator(_span)]
TimeOfDay = Annotated[int, BeforeValidator(_time_of_day)]
Weekday = Annotated[int, BeforeValidator(_weekday)]
Name = Annotated[str, AfterValidator(_one_line)]
Names = list[Annotated[str, AfterValidator(_name_pattern)]]
Title = Annotated[str, AfterValidator(_title)]
Sentence = Annotated[str, AfterValidator(_sentence)]
_PATH = re.compile(r"[^\s.]+(\.[^\s.]+)*")
_LONGEST_PATTERN = 1_000  # characters


def _argument_path(value: str) -> str:
    if not _PATH.fullmatch(value) or not value.isprintable():
        raise wrong(complaints.no_argument(value))
    return value


def _operators(value: Any) -> Any:
    if type(value) is dict:
        return cast("object", value)
    raise wrong(complaints.no_operators(value))


def _scalar(value: Any) -> Any:
    if not sort_of(value):
        raise wrong(complaints.no_scalar(value))
    return _stored(value)


def _ordered(value: Any) -> Any:
    if sort_of(value) not in {"text", "number"}:
        raise wrong(complaints.no_order(value))
    return _stored(value)


def _stored(value: Any) -> Any:
    try:
        str(value).encode()
    except UnicodeError as error:
        raise wrong(complaints.HALF_CHARACTER) from error
    return value


def _of_one_type(values: list[Any]) -> list[Any]:
    sorts = list(dict.fromkeys(map(sort_of, values)))
    if len(sorts) > 1:
        raise wrong(complaints.mixed(sorts[0], sorts[1]))
    return values


def _pattern(value: str) -> str:
    if len(value) > _LONGEST_PATTERN:
        raise wrong(complaints.long_pattern(_LONGEST_PATTERN))
    try:
        compiled(value)
    except ValueError as error:
        raise wrong(complaints.no_pattern(error)) from error
    return value


def _folder(value: str) -> str:
    if path_parts(value) is None:
        raise wrong(complaints.no_plain_path(value))
    return value


def _domain(value: str) -> str:
    start = "*." if value.startswith("*.") else ""
    host = plain_host(value.removeprefix(start))
    if host is None:
        raise wrong(complaints.no_host(value))
    return start + host


ArgumentPath = Annotated[str, AfterValidator(_argument_path)]
_Scalar = Annotated[Any, BeforeValidator(_scalar)]
_Ordered = Annotated[Any, BeforeValidator(_ordered)]
_Several = Annotated[list[_Scalar], AfterValidator(_of_one_type)]


class OperatorsShape(BaseModel):
    """The operators on one argument. All that are given must hold."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    eq: _Scalar = None
    ne: _Scalar = None
    gt: _Ordered = None
    ge: _Ordered = None
    lt: _Ordered = None
    le: _Ordered = None
    one_of: Annotated[_Several, Field(alias="in")] = []
    not_in: _Several = []
    matches: Annotated[str, AfterValidator(_pattern)] = ""
    under: Annotated[str, AfterValidator(_folder)] = ""
    domain_in: list[Annotated[str, AfterValidator(_domain)]] = []


Operators = Annotated[OperatorsShape, BeforeValidator(_operators)]
