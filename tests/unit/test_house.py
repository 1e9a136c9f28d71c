"""Rules of the house that keep a behaviour findable: names, sizes, who imports what."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for room in ("agent", "bot")
    for path in sorted((ROOT / room).rglob("*.py"))
    if path.stem not in ("__init__", "__main__") and "simulator" not in path.parts
}
STANDARD = {"app", "model", "routes", "schema", "sql"}
#: Their modules are named after what they serve.
SERVING = ("agent.tools.", "bot.commands.", "bot.texts.")
#: Small, with one importer, and apart all the same.
APART = {
    "bot.failures": "a command that ends well does not pay for what it imports",
}


def imported_by() -> dict[str, set[str]]:
    """The modules that import each module."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in [*ROOT.glob("agent/**/*.py"), *ROOT.glob("bot/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _names(node):
                found[name].add(path.relative_to(ROOT).as_posix())
    return found


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def test_a_module_has_a_name_of_its_own():
    named: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        if not module.startswith(SERVING):
            named[module.rpartition(".")[2]].append(module)
    shared = {name: found for name, found in named.items() if len(found) > 1}
    assert shared.keys() <= STANDARD, shared


def test_a_small_module_with_one_importer_is_part_of_it():
    importers = imported_by()
    small = {
        module
        for module, path in MODULES.items()
        if path.stem != "sql"
        and len(path.read_text(encoding="utf-8").splitlines()) < 60
        and len(importers[module]) == 1
    }
    assert small == APART.keys()


def test_statements_come_from_the_package_they_are_used_in():
    importers = imported_by()
    for module, path in MODULES.items():
        if path.stem == "sql":
            room = path.parent.relative_to(ROOT).as_posix()
            strangers = {by for by in importers[module] if not by.startswith(room)}
            assert not strangers, f"{module} is used by {strangers}"


def test_the_page_on_a_requests_life_names_what_there_is():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"\| `([\w/]+\.py)` \| `([\w.]+)` \|$", page, re.MULTILINE)
    also = re.findall(r"`([\w/]+\.py)`,\s+`(\w+)`", page)
    assert len(steps) == 10
    for file, function in [*steps, *also]:
        assert function in _functions(ROOT / file), f"{file} has no {function}"


def test_a_tests_name_states_its_behaviour_in_ten_words():
    behaviour = re.compile(r"test_(?:threat_\d\d_)?(\w+)")
    wordy = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in sorted(_functions(path))
        if (found := behaviour.fullmatch(name.rpartition(".")[2]))
        and len(found[1].split("_")) > 10
    ]
    assert not wordy, "\n".join(wordy)


#: Exceptions for whoever writes or runs the bot, not for people in Slack.
NOT_FOR_PEOPLE = {"ConfigurationError", "NotSignedIn", "ValueError"}


def test_sentences_in_slack_come_from_the_room_of_texts():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "bot/slack").rglob("*.py"))
        for line, text in _constants(ast.parse(path.read_text(encoding="utf-8")))
        if len(text.split()) >= 3 and text.lstrip("*_“")[:1].isupper()
    ]
    assert not found, "\n".join(found)


def _constants(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts outside of docstrings, log calls and exceptions for developers."""
    match node:
        case ast.Constant(value=str(text)):
            yield node.lineno, text
        case (
            ast.Expr(value=ast.Constant())
            | ast.Call(func=ast.Attribute(value=ast.Name(id="log")))
        ):
            return
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name))) if name in NOT_FOR_PEOPLE:
            return
        case _:
            for inner in ast.iter_child_nodes(node):
                yield from _constants(inner)


def _functions(path: Path) -> set[str]:
    """Functions of a module and methods of its classes, as `Class.method`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            parts = [each for each in node.body if hasattr(each, "name")]
            found |= {f"{node.name}.{each.name}" for each in parts}
    return found
