"""A call's arguments, or a graph's question, on a card: in full, or no Approve.

Also the same fields for an e-mail and a link's page, what warns of deceptive addresses,
and what a click on Approve confirms.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from bot.approvals.model import Confirm, Kind, Request
from bot.approvals.policy.match import strongest
from bot.approvals.policy.titles import in_order
from bot.base.masks import mask_arguments
from bot.slack.cards.blocks import (
    DIALOG_TEXT,
    Block,
    code,
    dialog,
    input_block,
    labelled,
    preformatted,
    rich_text,
    text_input,
    words,
)
from bot.slack.homoglyphs import Lookalike, lookalikes
from bot.texts import call as sentences
from bot.texts import forms
from bot.texts.call import Field
from bot.texts.clicks import NAME_SHOWN, what_to_type
from bot.texts.formatting import (
    ARGUMENTS_IN_FULL,
    TEXT_LIMIT,
    cut,
    indented,
    long_arguments,
    one_line,
    shown,
    visible,
    visible_json,
)

FULL_VIEW_CHARACTERS = 20_000  # one view holds this many; see `full_view`
FILE_BYTES = 4_000_000  # of the text as a file; Slack itself takes up to 1 GB
TOOL_NAME = 2_000  # characters of a tool's name
_OWN_WORDS = 400  # what our own sentences around a long text may take


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """Divide `room` characters among texts: short ones get what they need first."""
    rooms = [0] * len(lengths)
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    for done, index in enumerate(by_length):
        share = room // (len(lengths) - done)
        rooms[index] = min(share, lengths[index])
        room -= rooms[index]
    return rooms


def in_full(text: str, room: int) -> bool:
    """Return whether a text is shown on the card as a whole."""
    return len(text) <= min(ARGUMENTS_IN_FULL, room)


def argument_elements(text: str, room: int, *, takes_clicks: bool) -> list[Block]:
    """The parts of a `rich_text` that show JSON in at most `room` characters."""
    ends = min(TEXT_LIMIT, room - _OWN_WORDS)
    long = long_arguments(text, limit=min(ARGUMENTS_IN_FULL, room), ends=ends)
    if long is None:
        return labelled(sentences.ARGUMENTS, text)
    return [
        words(sentences.too_many_characters(long.length), bold=True),
        words(sentences.THEY_BEGIN),
        *preformatted(long.head),
        words(sentences.THEY_END),
        *preformatted(long.tail),
        words(sentences.fingerprint(long.sha256)),
        *([words(_where_to_decide(long.length))] if takes_clicks else []),
    ]


def _where_to_decide(length: int) -> str:
    return sentences.IN_FILE if length > FULL_VIEW_CHARACTERS else sentences.IN_VIEW


MOST_FIELDS = 20  # more arguments are shown as one JSON text
_IN_LINE = 80  # characters of a value beside its label
_SPACED = re.compile(r"[\n\t]|  ")  # what a line would hide
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def field_elements(request: Request) -> list[Block]:
    """The parts of a `rich_text` that show the fields of what is decided on."""
    parts: list[Block] = []
    lines: list[Block] = []  # of the section that is being built
    for each in asked_fields(request):
        lines += [{"type": "text", "text": "\n"}] if lines else []
        style = {"bold": True} if each.is_known else {"code": True}
        lines.append({"type": "text", "text": each.label, "style": style})
        if each.is_below:
            parts += [_section(lines), *preformatted(each.value)]
            lines = []
        else:
            lines += [{"type": "text", "text": "  "}, code(each.value)]
    return [*parts, _section(lines)] if lines else parts


def _section(elements: list[Block]) -> Block:
    return {"type": "rich_text_section", "elements": elements}


def asked_fields(request: Request) -> list[Field]:
    """All that is decided on, in the schema's order; for a card, a mail or a page.

    Long texts stand below their label. Two calls that differ look different: see
    `field_text`.
    """
    call = request.call
    if call.kind is Kind.INTERRUPT:
        return _question_fields(request)
    if len(call.arguments) > MOST_FIELDS:
        return [Field(sentences.ARGUMENTS, asked_text(request), is_below=True)]
    return _fields(call.masked, call.schema)


def _question_fields(request: Request) -> list[Field]:
    """Its text, where the headline does not show all of it, the rest, and an answer."""
    headline, _, answer = _parts(request)
    fields: list[Field] = []
    if headline and not sentences.is_told_whole(request, headline):
        fields.append(Field(sentences.BY_THE_GRAPH, headline, is_below=True))
    rest = _rest(request)
    if len(rest) > MOST_FIELDS:
        text = visible_json(rest)
        fields.append(Field(sentences.ARGUMENTS, text, is_below=True))
    else:
        fields += _fields(rest, {})
    if answer:
        fields.append(Field(sentences.ANSWER_TO_BE_APPROVED, answer, is_below=True))
    return fields


def raised_fields(request: Request) -> list[Field]:
    """The arguments as the agent had asked for them, of a call edited since."""
    call = request.call
    return _fields(
        mask_arguments(call.raised_arguments or {}, call.schema), call.schema
    )


def tool_field(request: Request) -> Field:
    """The tool's name, for places without the card's grey line."""
    is_tool = request.call.kind is Kind.TOOL
    label = sentences.TOOL if is_tool else sentences.QUESTION
    name = visible(request.call.tool)
    return Field(label, name, is_below=_needs_lines(name))


def _fields(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Field]:
    known = cast("Mapping[str, Any]", schema.get("properties") or {})
    fields: list[Field] = []
    for name in in_order(arguments, schema):
        value = field_text(arguments[name])
        # one that the tool does not declare is untrusted too
        is_known = name in known and bool(_NAME.fullmatch(name))
        fields.append(Field(label_of(name), value, is_known, _needs_lines(value)))
    return fields


def _needs_lines(value: str) -> bool:
    return len(value) > _IN_LINE or bool(_SPACED.search(value))


def label_of(name: str) -> str:
    """An argument's name as people read it; an odd one in JSON's quotes."""
    return name if _NAME.fullmatch(name) else visible_json(name)


def field_text(value: Any) -> str:
    """A value on the card: a text as it is, all else as JSON, visible.

    A text that could be taken for another value (`12`, `true`, an empty one, one that
    begins or ends with a space) is JSON too, so no two values look alike.
    """
    if isinstance(value, str):
        return visible_json(value) if _misleads(value) else visible(value)
    text = visible_json(value)
    if len(text) <= _IN_LINE:
        return text
    return visible(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def _misleads(text: str) -> bool:
    if not text.strip() or (text != text.strip() and "\n" not in text):
        return True
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def asked_text(request: Request) -> str:
    """All that is decided on: shown in full, or Approve is not offered."""
    if request.call.kind is Kind.TOOL:
        return indented(request.call.masked)
    return "\n\n".join(text for text in _parts(request) if text)


def _parts(request: Request) -> tuple[str, str, str]:
    """Headline, table of the rest, and the answer that is to be approved."""
    call = request.call
    headline = visible(str(call.masked.get(call.headline, "")))
    rest = _rest(request)
    rows = [f"{_value(name)}: {_value(value)}" for name, value in rest.items()]
    answer = shown(request.answer) if call.is_answered else ""
    return headline, "\n".join(rows), answer


def _rest(request: Request) -> dict[str, Any]:
    """All that a question holds beside its text, but for how to answer it."""
    call = request.call
    return {k: v for k, v in call.masked.items() if k != call.headline}


def _value(value: Any) -> str:
    is_line = isinstance(value, str) and "\n" not in value
    return visible(value) if is_line else visible_json(value)


_TOGETHER = 480  # characters; several requests on one card share them
_MOST_ADDRESSES = 5  # addresses, likewise


def foreign_elements(request: Request, sharing: int) -> list[Block]:
    """The parts of a `rich_text` that mark such addresses, none if there are none."""
    found = lookalikes(request.call.arguments)
    if not found:
        return []
    first = found[: max(1, _MOST_ADDRESSES // sharing)]
    room = _TOGETHER // sharing // len(first)
    lines = [cut(foreign_line(each), room) for each in first]
    label = sentences.DECEIVES if found[0].deceives else sentences.FOREIGN
    return labelled(label, "\n".join(lines), _and_more(found, first))


def _and_more(found: Sequence[object], first: Sequence[object]) -> str:
    more = len(found) - len(first)
    return sentences.and_more(more) if more else ""


def foreign_line(each: Lookalike) -> str:
    """Plain text: an address, and what is odd about it."""
    said = [sentences.in_ascii(each.ascii_form)]
    if each.scripts:
        names = [script.title() for script in each.scripts]
        said.insert(0, sentences.mixed_letters(names))
    elif each.reads_as_latin:
        said.insert(0, sentences.LATIN_LOOK)
    return f"{cut(shown(each.text), 40)}: {shown(', '.join(said))}"


# An id of a person, a channel or a group; capital letters alone are a word.
_ID = re.compile(r"(?<![A-Za-z0-9])[UWCGS](?=[A-Z]*[0-9])[A-Z0-9]{5,20}(?![A-Za-z0-9])")
_MOST_NAMES = 6  # several requests on one card share them


def ids_in(text: str) -> list[str]:
    """Return what reads like an id of Slack's in a text of any kind."""
    return list(dict.fromkeys(_ID.findall(text)))


def name_elements(text: str, names: Mapping[str, str], sharing: int) -> list[Block]:
    """The parts of a `rich_text` that say whom ids mean, none if there are none.

    Args:
        names: by id, as Slack has them; people choose their own, so they are untrusted.
    """
    found = [each for each in ids_in(text) if each in names]
    first = found[: max(1, _MOST_NAMES // sharing)]
    if not first:
        return []
    lines = [f"{each}: {one_line(names[each], NAME_SHOWN)}" for each in first]
    return labelled(sentences.NAMES, "\n".join(lines), _and_more(found, first))


TYPED = "typed"  # the `block_id` of the input that asks for a value
_MOST_ARGUMENTS = 8  # arguments


def effect_lines(request: Request, room: int) -> list[str]:
    """Plain text: the headline, and the arguments, in `room` characters."""
    tool = cut(sentences.plain_headline(request), max(room // 2, NAME_SHOWN))
    arguments = request.call.masked
    named = [
        (cut(visible_json(name), NAME_SHOWN), visible_json(value))
        for name in in_order(arguments, request.call.schema)
        for value in (arguments[name],)
    ]
    first = named[:_MOST_ARGUMENTS]
    left = len(named) - len(first)
    more = [sentences.more_arguments(left)] if left else []
    frame = len(tool) + sum(len(name) + 3 for name, _ in first) + len("".join(more)) + 2
    rooms = shares([len(value) for _, value in first], max(0, room - frame))
    lines = [
        f"{name}: {cut(value, max(1, own))}"
        for (name, value), own in zip(first, rooms, strict=True)
    ]
    return [tool, *lines, *more]


def confirm_dialog(request: Request, sharing: int) -> Block | None:
    """The dialog of a card's Approve; None where a click is enough."""
    terms = request.terms
    asks = Confirm.DIALOG if terms.is_risky else Confirm.NONE
    if strongest((terms.confirm, asks)) is not Confirm.DIALOG:
        return None
    opening = forms.YOU_APPROVE
    room = DIALOG_TEXT // (1 if sharing == 1 else 2) - len(opening)
    text = cut("\n".join([opening, *effect_lines(request, room)]), room + len(opening))
    title = forms.approve_it(request.code)
    style = "danger" if terms.is_risky else "primary"
    return dialog(title, text, forms.APPROVE, forms.GO_BACK, style)


def typed_block(request: Request) -> Block:
    """The input of a form that asks for the value; only for Confirm.TYPED."""
    label = forms.to_approve(what_to_type(request))
    return input_block(TYPED, cut(label, 150), text_input())


def tool_block(request: Request) -> Block:
    return rich_text(labelled(sentences.TOOL, cut(shown(request.call.tool), TOOL_NAME)))
