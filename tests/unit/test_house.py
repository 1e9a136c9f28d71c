"""Rules of the house that keep a behaviour findable: names, sizes, who imports what."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.root import ROOT, name_of, nodes_of, tree_of

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for room in ("agent", "bot")
    for path in sorted((ROOT / room).rglob("*.py"))
    if path.stem not in ("__init__", "__main__") and "simulator" not in path.parts
}
STANDARD = {"app", "client", "model", "routes", "schema"}
#: Their modules are named after what they serve.
SERVING = ("agent.tools.", "bot.commands.", "bot.texts.")


def imported_by() -> dict[str, set[str]]:
    """The modules that import each module."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in [*ROOT.glob("agent/**/*.py"), *ROOT.glob("bot/**/*.py")]:
        for node in nodes_of(path):
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
        if len(path.read_text(encoding="utf-8").splitlines()) < 60
        and len(importers[module]) == 1
    }
    assert not small, small


def test_statements_come_from_the_package_they_are_used_in():
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in ROOT.glob("bot/**/__init__.py")
        if re.search(r"^SQL = load_statements", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(packages) > 5
    importers = imported_by()
    for package in sorted(packages):
        room = f"{package.replace('.', '/')}/"
        users = {*importers[f"{package}.SQL"], *importers[f"{package}.REPORT"]}
        strangers = {by for by in users if not by.startswith(room)}
        assert not strangers, f"the statements of {package} are used by {strangers}"


def test_the_page_on_a_requests_life_names_what_there_is():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"\| `([\w/]+\.py)` \| `([\w.]+)` \|$", page, re.MULTILINE)
    also = re.findall(r"`([\w/]+\.py)`,\s+`([\w.]+)`", page)
    assert len(steps) == 10
    for file, function in [*steps, *also]:
        assert function in _functions(ROOT / file), f"{file} has no {function}"


def test_import_contracts_name_packages():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    named = set(re.findall(r"'((?:agent|bot)[\w.]*)", str(contracts)))
    named |= set(re.findall(r"[|:] (bot[\w.]*)", str(contracts)))
    assert len(named) > 10
    assert [n for n in named if not (ROOT / n.replace(".", "/")).is_dir()] == []


def test_the_tests_that_are_chosen_by_name_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    smoke = re.search(r"^SMOKE := .*\\\n([^)]+)\)", makefile, re.MULTILINE)
    assert smoke is not None
    words = smoke[1].replace("\\", "").split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    chosen: list[str] = project["tool"]["mutmut"]["pytest_add_cli_args_test_selection"]
    chosen += [f"tests/unit/test_{word}.py" for word in words]
    assert len(words) > 5
    assert [each for each in chosen if not [*ROOT.glob(each)]] == []


#: The tests' own files are read as text, which takes a tenth of the time of parsing.
_NAME = re.compile(r"^ *(?:async )?def test_(?:threat_\d\d_)?(\w+)", re.MULTILINE)
_BORROWED = re.compile(
    r"^ *(?:import|from) (?:tests\.(?:\w+\.)*)?(?:test_\w+|conftest)\b"
    r"|^ *from tests[\w.]* import (?:.*|\([^)]*)\b(?:test_\w+|conftest)\b",
    re.MULTILINE,
)
_FUNCTION = re.compile(
    r"^(?:async )?def (\w+)\((?:.*|\n(?: {4}.*\n)*\).*):\n"
    r'(?: {4}"""(?:[^"]|"(?!""))*"""\n)?((?: {4}.*\n|\n)+)',
    re.MULTILINE,
)
_DOCSTRING = re.compile(r'(?:\A|:\n) *r?"""(.+)')


@cache
def texts_of_tests() -> dict[str, str]:
    """The text of each file of the tests, by its path."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    return {name_of(path): path.read_text(encoding="utf-8") for path in files}


def test_a_tests_name_states_its_behaviour_in_ten_words():
    names = [
        f"{file}: {behaviour}"
        for file, text in texts_of_tests().items()
        for behaviour in _NAME.findall(text)
    ]
    assert len(names) > 1_000
    wordy = [name for name in names if len(name.split(": ")[1].split("_")) > 10]
    assert not wordy, "\n".join(wordy)


def test_no_test_imports_from_another_test_module():
    borrowed = [
        f"{file}: {found[0]}"
        for file, text in texts_of_tests().items()
        for found in _BORROWED.finditer(text)
    ]
    assert not borrowed, "\n".join(borrowed)


@pytest.mark.parametrize(
    "line",
    [
        "from tests.unit.test_house import ROOMS",
        "from tests.unit import texts, test_house",
        "from tests.unit import (\n    conftest,\n)",
        "    import tests.test_house",
    ],
)
def test_a_borrowed_test_is_seen(line: str):
    assert _BORROWED.search(f"import re\n{line}\n")


def test_each_worker_imports_no_slow_library_that_few_tests_need():
    slow = "agent.openai_model|langchain_mcp_adapters|langchain_openai|mcp|openai"
    top = re.compile(rf"^(?:from|import) (?:{slow}|schemathesis)\b", re.MULTILINE)
    found = {name for name, text in texts_of_tests().items() if top.search(text)}
    kept = found - {"tests/bench/plain_bolt.py"}  # a process of its own
    assert not kept, "it is imported before the first test: import it in the function"


def test_no_function_of_the_tests_stands_twice():
    places: dict[str, list[str]] = defaultdict(list)
    for file, text in texts_of_tests().items():
        for name, body in _FUNCTION.findall(text):
            lines = [line for line in body.splitlines() if line.strip()]
            code = [line for line in lines if not line.lstrip().startswith("#")]
            places["\n".join(code)].append(f"{file}: {name}")
    assert len(places) > 1_000
    twice = [
        ", ".join(found)
        for body, found in places.items()
        if len(found) > 1 and _statements_are_long(body)
    ]
    assert not twice, "\n".join(twice)


def _statements_are_long(body: str) -> bool:
    """Return whether a function's body has three lines and more, however wrapped."""
    made = ast.parse(f"async def _():\n{body}").body[0]
    assert isinstance(made, ast.AsyncFunctionDef)
    return "\n".join(map(ast.unparse, made.body)).count("\n") >= 2


def docstrings() -> Iterator[tuple[str, str]]:
    """Each docstring's place and first line, in the house and in its tests."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for path in sorted(
        p for room in ("agent", "bot") for p in (ROOT / room).rglob("*.py")
    ):
        for node in nodes_of(path):
            if isinstance(node, documented) and (said := ast.get_docstring(node)):
                place = f"{name_of(path)}:{getattr(node, 'name', 'module')}"
                yield place, said.partition("\n")[0]
    for file, text in texts_of_tests().items():
        yield from ((file, line) for line in _DOCSTRING.findall(text))


def test_a_docstring_begins_with_a_verb_or_names_the_thing():
    asks = re.compile(r"(Wh(at|o)(ever)?|Whether|Where|How|Why)\b")
    first_lines = list(docstrings())
    found = [f"{place}: {line}" for place, line in first_lines if asks.match(line)]
    assert len(found) <= len(first_lines) * 0.02, "\n".join(found)


def test_a_docstring_explains_arguments_that_there_are():
    wrong = [
        f"{name_of(path)}:{node.name} has no {name}"
        for path in [*ROOT.glob("agent/**/*.py"), *ROOT.glob("bot/**/*.py")]
        for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in _explained(ast.get_docstring(node) or "")
        if name
        not in {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
    ]
    assert not wrong, "\n".join(wrong)


def _explained(docstring: str) -> list[str]:
    """The names under `Args:`."""
    section = re.search(r"^Args:\n((?: {4}.*\n?|\n)+)", docstring, re.MULTILINE)
    return re.findall(r"^ {4}(\w+):", section[1], re.MULTILINE) if section else []


#: Where sentences stand.
WORDS = ("agent/phrases/", "bot/approvals/policy/complaints.py", "bot/texts/")
#: Where they stand all the same, and why.
APART_FROM_WORDS = {
    "agent/prompts.py": "it instructs the model, and people read none of it",
    "bot/base/": "it lies below the texts: a setting's form stands beside its check",
    "bot/client.py": "it runs in other processes, without the rest of the bot",
    "bot/database/": "it lies below the texts, and only an operator reads it",
    "bot/simulator/": "it speaks as Slack does",
    "bot/web/api/schema.py": "it describes the API to programs",
}
#: Exceptions for whoever writes the bot.
NOT_FOR_PEOPLE = {
    *("ArgumentTypeError", "AssertionError", "DecodingError", "KeyError"),
    *("NotImplementedError", "NotSignedIn", "RuntimeError", "TooLong", "ValueError"),
}
ROOMS = {
    room.relative_to(ROOT).as_posix(): sorted(room.rglob("*.py")) or [room]
    for room in sorted([*ROOT.glob("agent/[!_]*"), *ROOT.glob("bot/[!_]*")])
    if room.suffix or any(room.rglob("*.py"))  # a move leaves its bytecode behind
}
_CODE = re.compile(
    r'\s*(SELECT|INSERT|CREATE|DROP|VALUES|SET|BEGIN)\b|[^{]*\{ |\w+ \w+="'
)


@pytest.mark.parametrize("room", ROOMS)
def test_sentences_come_from_the_rooms_of_words(room: str):
    found = [
        f"{place}:{line}: {text}"
        for place, line, text in _said_in(room)
        if not place.startswith((*WORDS, *APART_FROM_WORDS))
    ]
    assert not found, "\n".join(found)


def test_what_is_apart_from_the_rooms_of_words_speaks():
    places = {place for room in ROOMS for place, _, _ in _said_in(room)}
    needed = {p for p in APART_FROM_WORDS if any(x.startswith(p) for x in places)}
    assert needed == APART_FROM_WORDS.keys()


def test_every_name_in_the_rooms_of_words_is_used():
    texts = [path.read_text("utf-8") for files in ROOMS.values() for path in files]
    used = Counter(re.findall(r"[A-Za-z_]\w*", "\n".join(texts)))
    named = {name for path in MODULES.values() for name in _words_of(path)}
    assert len(named) > 500
    assert [name for name in sorted(named) if used[name] < 2] == []


def _words_of(path: Path) -> Iterator[str]:
    """The functions and constants of a module, if it is one of words."""
    if not path.relative_to(ROOT).as_posix().startswith(WORDS):
        return
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            names = (each for target in node.targets for each in ast.walk(target))
            yield from (name.id for name in names if isinstance(name, ast.Name))


@cache
def _said_in(room: str) -> list[tuple[str, int, str]]:
    """The place, line and text of what looks like a sentence."""
    return [
        (path.relative_to(ROOT).as_posix(), line, text)
        for path in ROOMS[room]
        if path.suffix == ".py"
        for line, text in _texts(tree_of(path))
        if _is_said(text)
    ]


def _is_said(text: str) -> bool:
    """Several words with a capital first or a full stop last, or five of them."""
    words = text.split()
    if len(words) < 2 or _CODE.match(text):
        return False
    if text.lstrip("*_“(`[{}: ")[:1].isupper() or words[-1].endswith("."):
        return True
    return sum(word.strip(",.:;").isalpha() for word in words) >= 5


def _texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts with their lines; `{}` stands where something is filled in."""
    match node:
        case ast.JoinedStr(values=values):
            parts = [getattr(part, "value", "") for part in values]
            yield node.lineno, "".join(p if isinstance(p, str) else "{}" for p in parts)
            yield from _within(v for v in values if isinstance(v, ast.FormattedValue))
        case ast.Constant(value=str(text)):
            yield node.lineno, text
        case ast.Call(func=ast.Name(id="cast"), args=[_, value]):
            yield from _texts(value)
        case _ if not _is_silent(node):
            yield from _within(ast.iter_child_nodes(node))
        case _:
            pass


def _within(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        yield from _texts(node)


def _is_silent(node: ast.AST) -> bool:
    """Docstrings, log calls, helps of options and errors of a developer's."""
    match node:
        case (
            ast.Expr(value=ast.Constant())
            | ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger")))
            | ast.keyword(arg="help" | "description")
        ):
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name in NOT_FOR_PEOPLE
        case _:
            return False


def _functions(path: Path) -> set[str]:
    """Functions of a module and methods of its classes, as `Class.method`."""
    found: set[str] = set()
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            parts = [each for each in node.body if hasattr(each, "name")]
            found |= {f"{node.name}.{each.name}" for each in parts}
    return found
