"""The card: what waits for approval, or what became of it. Data in, blocks out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.approvals.model import Kind, Request, Status, Verdict
from bot.approvals.policy.titles import in_order
from bot.base.masks import mask_arguments
from bot.slack.cards.arguments import (
    argument_elements,
    foreign_elements,
    in_full,
    name_elements,
    shares,
)
from bot.slack.cards.blocks import (
    MESSAGE_TEXT_LIMIT,
    MOST_BLOCKS,
    Block,
    context,
    labelled,
    line,
    preformatted,
    rich_text,
    section,
    text_length,
    user,
    with_block_ids,
    words,
)
from bot.slack.cards.facts import (
    asker,
    closed_lines,
    deciders,
    grey_line,
    open_lines,
    reasons,
)
from bot.slack.cards.view import (
    CardView,
    RequestView,
    all_buttons,
    card_buttons,
    history_menu,
    mark_buttons,
    reason_button,
)
from bot.texts import call as labels
from bot.texts import cards as sentences
from bot.texts.call import ABSENT
from bot.texts.formatting import (
    cut,
    escape,
    is_identifier,
    shown,
    visible_json,
)

# Characters for one request; several on one card share them.
_NOTE = 1_000
_REASON = 900
_ANSWER = 1_500
_FAILURE = 600
_COMMENT = 300
_COMMENTS = 3  # the latest
_TOOL = 200


def card_blocks(view: CardView) -> list[Block]:
    """The blocks of a card, within Slack's limits for any arguments.

    The grey line mentions up to five who can decide; Slack notifies them of the first
    post, and nobody about an edit.
    https://docs.slack.dev/reference/methods/chat.update
    """
    ids = "-".join([view.requests[0].request.id, str(len(view.requests))])
    return with_block_ids(_request_parts(view), ids, view.version)


def card_text(view: CardView) -> str:
    """mrkdwn: the notification and screen-reader text, which stands alone."""
    return "\n".join(_request_text(request) for request in view.requests)


def value_for_all(view: CardView, action_id: str) -> str | None:
    """Return what a button for all of a card carries; None if none is drawn now."""
    rows = [block for block in _request_parts(view) if block["type"] == "actions"]
    elements = [element for row in rows for element in row["elements"]]
    found = [each["value"] for each in elements if each["action_id"] == action_id]
    return found[0] if found else None


def _request_parts(view: CardView) -> list[Block]:
    """Build all; where that is too long, divide among the arguments what is left."""
    items, lengths = view.requests, [each.length for each in view.requests]
    rows, in_whole = _rows(items, lengths)
    if text_length(rows) > MESSAGE_TEXT_LIMIT:
        many = len(items)
        frames = [_request_blocks(each, [], many, complete=True) for each in items]
        rooms = shares(lengths, MESSAGE_TEXT_LIMIT - text_length(frames))
        rows, in_whole = _rows(items, rooms)
    return _parted([*rows, all_buttons(items, in_whole)])


def _rows(
    items: Sequence[RequestView], rooms: Sequence[int]
) -> tuple[list[list[Block]], list[bool]]:
    """Build each request with its arguments; say of each if it is shown whole."""
    rows: list[list[Block]] = []
    in_whole: list[bool] = []
    for item, room in zip(items, rooms, strict=True):
        fits = in_full(item.text, room) and item.length <= room
        parts, takes_clicks = item.fields, item.offers(Verdict.APPROVE)
        if not fits:
            parts = argument_elements(item.text, room, takes_clicks=takes_clicks)
        complete = fits and shows_tool(item.request)
        in_whole.append(complete)
        rows.append(_request_blocks(item, parts, len(items), complete=complete))
    return rows, in_whole


def _parted(rows: Sequence[list[Block]]) -> list[Block]:
    """The rows with lines between them, where Slack has room for so many blocks."""
    rows = [row for row in rows if row]
    fits = sum(map(len, rows)) + len(rows) - 1 <= MOST_BLOCKS
    between: list[Block] = [{"type": "divider"}] if fits else []
    parted = [block for row in rows for block in [*between, *row]]
    return parted[len(between) :]


def _request_blocks(
    view: RequestView, arguments: list[Block], sharing: int, *, complete: bool
) -> list[Block]:
    request = view.request
    odd, changed = odd_tool(request), changed_elements(request, sharing)
    call = _rich([[*odd, *changed, *arguments]])
    named = name_elements(view.text, view.names, sharing)
    foreign = _rich([named, foreign_elements(request, sharing)])
    tail = [context(grey_line(view, sharing)), *_comments(request, sharing)]
    title = headline_block(view)
    if not request.is_open:
        said = [*_said(request, sharing), *mark_buttons(view), *reason_button(view)]
        lines = closed_lines(view, sharing)
        first = [title, section(lines, history_menu(request)), *call]
        return [*first, *foreign, *said, *tail]
    clicks = card_buttons(view, sharing, complete=complete)
    history = None if view.takes_clicks else history_menu(request)
    return [
        title,
        section(open_lines(view, sharing), history),
        *call,
        *foreign,
        *([clicks] if view.takes_clicks else []),
        *tail,
        *_note(request, sharing),
    ]


def headline_block(view: RequestView, *, with_state: bool = True) -> Block:
    """Effect with the target by name, the state, and the risk where it is high."""
    request = view.request
    struck = {"strike": True} if request.status is Status.REJECTED else {}
    elements: list[Block] = [{"type": "text", "text": f"{view.icon} "}]
    for part in labels.headline_parts(request):
        style = {"code": True} if part.is_value else {"bold": True}
        elements.append({"type": "text", "text": part.text, "style": style | struck})
    risky = request.terms.is_risky and request.is_open
    tail = [view.word] if with_state else []
    tail += [sentences.HIGH_RISK] if risky else []
    if tail:  # Slack takes no empty text
        said = "".join(f" · {each}" for each in tail)
        elements.append({"type": "text", "text": said})
    return rich_text([{"type": "rich_text_section", "elements": elements}])


def shows_tool(request: Request) -> bool:
    """Return whether the tool's name is shown whole, wherever it stands."""
    return len(shown(request.call.tool)) <= _TOOL


def odd_tool(request: Request) -> list[Block]:
    """The name of a tool that stands neither in the headline nor in the grey line."""
    if is_identifier(request.call.tool) or labels.leads_with_tool(request):
        return []
    return labelled(labels.TOOL, cut(shown(request.call.tool), _TOOL))


def _said(request: Request, sharing: int) -> list[Block]:
    """Build the blocks of what people, the policy or the call said as it ended."""
    said = _reasons(request, sharing)
    if request.answer.strip() and not request.call.is_answered:
        answer = cut(shown(request.answer.strip()), _ANSWER // sharing)
        said.append((labels.ANSWER, answer))
    if summary := request.end.summary.strip():
        said.append((labels.SUMMARY, cut(shown(summary), _FAILURE // sharing)))
    if failure := request.end.failure.strip():
        said.append((labels.FAILURE, cut(shown(failure), _FAILURE // sharing)))
    return _labelled(said)


def reason_blocks(request: Request, sharing: int) -> list[Block]:
    """Build the block of why it ended so, in people's or the policy's own words."""
    return _labelled(_reasons(request, sharing))


def _reasons(request: Request, sharing: int) -> list[tuple[str, str]]:
    room = _REASON // sharing
    return [(labels.REASON, cut(shown(each), room)) for each in reasons(request)]


def _labelled(texts: Sequence[tuple[str, str]]) -> list[Block]:
    return _rich(labelled(name, text) for name, text in texts)


def _comments(request: Request, sharing: int) -> list[Block]:
    """The latest words from the card's thread; they decide nothing."""
    before, after = labels.COMMENT_BY
    return _rich(
        [
            line(before, user(comment.user), after),
            *preformatted(cut(shown(comment.text.strip()), _COMMENT // sharing)),
        ]
        for comment in request.chain.comments[-_COMMENTS:]
        if comment.text.strip()
    )


def _rich(parts: Iterable[list[Block]]) -> list[Block]:
    """One block of all parts, none if there are none."""
    elements = [element for part in parts for element in part]
    return [rich_text(elements)] if elements else []


def _note(request: Request, sharing: int) -> list[Block]:
    """The agent's own words: last, apart from the buttons, marked as unverified."""
    note = shown(request.call.note.strip())
    if not note or request.call.kind is Kind.INTERRUPT:  # there it is the headline
        return []
    return [rich_text(labelled(labels.AGENT_SAYS, cut(note, _NOTE // sharing)))]


def _request_text(view: RequestView) -> str:
    request = view.request
    title, code = labels.mrkdwn_headline(request), escape(request.code)
    if not request.is_open:
        word = sentences.status_word(request, by=deciders(request))
        return sentences.ended(word, title, code)
    return sentences.waits(
        title,
        code,
        asker(request),
        request.deadline,
        is_risky=request.terms.is_risky,
    )


_TOGETHER = 1_200  # characters; several requests on one card share them
_MOST = 10  # changed arguments, likewise
_ONE = 60  # characters at which a name or a value is cut in any case


def changed_elements(request: Request, sharing: int) -> list[Block]:
    """The parts of a `rich_text` that tell an edit, none if there was none.

    The values are JSON, so that a text that looks like a change is seen to be a text.
    """
    call = request.call
    if call.raised_arguments is None:
        return []
    changed = changes(call.raised_arguments, call.arguments, call.schema)
    first = changed[: max(1, _MOST // sharing)]
    room = max(_ONE, _TOGETHER // sharing // max(1, len(first) * 2))
    lines = [_line(name, old, new, room) for name, old, new in first]
    more = len(changed) - len(first)
    before, after = labels.CHANGED_BY
    return [
        line(before, user(call.edited_by), after),
        *preformatted("\n".join(lines)),
        *([words(labels.more_changed(more))] if more else []),
    ]


def changes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
) -> Sequence[tuple[str, str, str]]:
    """Name, old and new value as JSON of each argument that differs, as they are shown.

    They are compared as they are, and then shown with their secrets masked.
    """
    names = [
        name
        for name in in_order({**old, **new}, schema or {})
        if _text(old, name) != _text(new, name)
    ]
    return [
        (name, _masked(old, name, schema), _masked(new, name, schema)) for name in names
    ]


def _masked(
    arguments: Mapping[str, Any], name: str, schema: Mapping[str, Any] | None
) -> str:
    if name not in arguments:
        return ABSENT
    [value] = mask_arguments({name: arguments[name]}, schema or {}).values()
    return _text({name: value}, name)


def _text(arguments: Mapping[str, Any], name: str) -> str:
    return visible_json(arguments[name]) if name in arguments else ABSENT


def _line(name: str, old: str, new: str, room: int) -> str:
    named = cut(shown(json.dumps(name, ensure_ascii=False)), _ONE)
    return f"{named}: {cut(old, room)} → {cut(new, room)}"
