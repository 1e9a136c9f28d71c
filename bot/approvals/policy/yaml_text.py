"""Read a small, strict part of YAML: no aliases, anchors, tags or merge keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.approvals.policy.complaints import Complaint, Loc, PolicyError, key_path, shown

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
        if refused := _refused_events(text):
            raise PolicyError(refused)
        # BaseLoader knows no types and makes no objects: `_plain` decides.
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise PolicyError([_unreadable(error)]) from error
    reader = _Reader()
    return (None if node is None else reader.build(node, ())), reader.complaints


def too_big() -> Complaint:
    """The one sentence for a file over the bound."""
    return Complaint("", f"The policy is over {MAX_BYTES // 1024} KiB; shorten it.")


def _refused_events(text: str) -> list[Complaint]:
    found: list[Complaint] = []
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        line = _line(event)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > _MAX_DEPTH:
            raise PolicyError([Complaint(line, "the nesting is too deep to be meant.")])
        if documents > 1:
            sentence = "a second document starts here; a policy is one document."
            raise PolicyError([Complaint(line, sentence)])
        if why := _why_refused(event):
            found.append(Complaint(line, why))
    return found


def _why_refused(event: yaml.Event) -> str:
    if isinstance(event, yaml.AliasEvent):
        return (
            f"aliases ({shown(f'*{event.anchor}')}) are not allowed; write the value "
            "out, or put a name that starts with * in quotes."
        )
    if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
        return ""
    if event.anchor:
        return f"anchors ({shown(f'&{event.anchor}')}) are not allowed; remove it."
    if event.tag:
        return f"tags ({shown(event.tag)}) are not allowed; remove it."
    return ""


def _unreadable(error: yaml.YAMLError) -> Complaint:
    if isinstance(error, yaml.reader.ReaderError):
        code = f"U+{error.character:04X}"
        return Complaint("", f"The policy holds {code}, which YAML does not allow.")
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Complaint("", f"The policy is no YAML: {error}.")
    mark, problem = error.problem_mark, error.problem or error.context or "unreadable"
    hint = ""
    if "alias" in (error.context or "") or "'@'" in problem:
        hint = " (a value that starts with * or @ stands in quotes)"
    where = f"line {mark.line + 1}, column {mark.column + 1}"
    return Complaint(where, f"this is no YAML: {problem}{hint}.")


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
                both = f"lines {lines[key]} and {line}"
                self._complain((*loc, key), f"the key stands twice ({both}); keep one.")
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
            why = "merge keys (`<<`) are not allowed; write the keys out."
        elif isinstance(node, yaml.ScalarNode):
            why = f"the key {shown(node.value)} is not read as text; put it in quotes."
        else:
            why = "a key must be text, not a list or a mapping."
        self._complain(loc, f"line {line}: {why}")
        return None

    def _complain(self, loc: Loc, sentence: str) -> None:
        self.complaints.append(Complaint(key_path(loc), sentence))


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
