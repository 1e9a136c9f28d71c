"""Read a small, strict part of YAML: no aliases, anchors, tags or merge keys."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.approvals.policy import complaints
from bot.approvals.policy.complaints import Complaint, Loc, PolicyError

MAX_BYTES = 128 * 1024
_MAX_DEPTH = 12  # the deepest key of a policy stands at 6
_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE|yes|Yes|YES|on|On|ON")
_FALSE = re.compile(r"false|False|FALSE|no|No|NO|off|Off|OFF")
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}")  # exact in every JSON reader
_DECIMAL = re.compile(r"[-+]?[0-9]{1,15}\.[0-9]{0,15}(?:[eE][-+]?[0-9]{1,2})?")


def read_yaml(text: str) -> tuple[Any, list[Complaint]]:
    """Turn YAML text into plain data, with a complaint for each duplicate key.

    Raises PolicyError for text that cannot be read or uses what is not allowed.
    """
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise PolicyError([too_big()])
    try:
        events: deque[yaml.Event] = deque()
        if refused := _refused_events(text, events):
            raise PolicyError(refused)
        node = _Composer(events).get_single_node()
    except yaml.YAMLError as error:
        raise PolicyError([_unreadable(error)]) from error
    reader = _Reader()
    return (None if node is None else reader.build(node, ())), reader.complaints


def too_big() -> Complaint:
    """The one sentence for a file over the bound."""
    return Complaint("", complaints.too_big(MAX_BYTES // 1024))


class _Composer(yaml.BaseLoader):
    """Makes nodes of events that are read already: to read them is the dear part.

    BaseLoader knows no types and makes no objects: `_plain` decides.
    """

    def __init__(self, events: deque[yaml.Event]) -> None:
        super().__init__("")
        self._events = events

    def check_event(self, *choices: Any) -> bool:
        return isinstance(self._events[0], choices)

    def peek_event(self) -> yaml.Event:
        return self._events[0]

    def get_event(self) -> yaml.Event:
        return self._events.popleft()


def _refused_events(text: str, events: deque[yaml.Event]) -> list[Complaint]:
    """Read the events, and complain of each that is not allowed."""
    found: list[Complaint] = []
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        events.append(event)
        line = _line(event)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > _MAX_DEPTH:
            raise PolicyError([Complaint(line, complaints.TOO_DEEP)])
        if documents > 1:
            raise PolicyError([Complaint(line, complaints.SECOND_DOCUMENT)])
        if why := _why_refused(event):
            found.append(Complaint(line, why))
    return found


def _why_refused(event: yaml.Event) -> str:
    if isinstance(event, yaml.AliasEvent):
        return complaints.alias(event.anchor)
    if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
        return ""
    if event.anchor:
        return complaints.anchor(event.anchor)
    if event.tag:
        return complaints.tag(event.tag)
    return ""


def _unreadable(error: yaml.YAMLError) -> Complaint:
    if isinstance(error, yaml.reader.ReaderError):
        code = f"U+{error.character:04X}"
        return Complaint("", complaints.not_allowed_in_yaml(code))
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Complaint("", complaints.no_yaml(error))
    mark, problem = error.problem_mark, error.problem or error.context or "unreadable"
    wants_quotes = "alias" in (error.context or "") or "'@'" in problem
    hint = complaints.IN_QUOTES if wants_quotes else ""
    where = f"line {mark.line + 1}, column {mark.column + 1}"
    return Complaint(where, complaints.no_yaml_here(problem, hint))


@dataclass
class _Reader:
    complaints: list[Complaint] = field(default_factory=list[Complaint])

    def build(self, node: yaml.Node, loc: Loc) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(n, (*loc, i)) for i, n in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        lines: dict[str, int] = {}
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line: int = key_node.start_mark.line + 1
            key = self._key(key_node, loc)
            if key is None:
                continue
            if key in lines:
                self._complain((*loc, key), complaints.key_twice(lines[key], line))
                continue
            lines[key] = line
            data[key] = self.build(value_node, (*loc, key))
        return data

    def _key(self, node: yaml.Node, loc: Loc) -> str | None:
        key = _scalar(node)
        merges = key == "<<" and _is_plain(node)
        if isinstance(key, str) and not merges:
            return key
        line = node.start_mark.line + 1
        if merges:
            why = complaints.MERGE_KEY
        elif isinstance(node, yaml.ScalarNode):
            why = complaints.key_no_text(node.value)
        else:
            why = complaints.KEY_NOT_TEXT
        self._complain(loc, f"line {line}: {why}")
        return None

    def _complain(self, loc: Loc, sentence: str) -> None:
        self.complaints.append(Complaint.at(loc, sentence))


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}" if event.start_mark else ""


def _is_plain(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None


def _scalar(node: yaml.Node) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        return None
    value: str = node.value
    return _plain(value) if _is_plain(node) else value


def _plain(value: str) -> Any:
    """Give an unquoted word the type that YAML's readers expect of it."""
    if _NULL.fullmatch(value):
        return None
    if _TRUE.fullmatch(value):
        return True
    if _FALSE.fullmatch(value):
        return False
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _DECIMAL.fullmatch(value) else value
