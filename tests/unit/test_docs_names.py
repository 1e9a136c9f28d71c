"""Files, tests and names that README and docs speak of are there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.root import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def quoted(page: Path, pattern: str) -> set[str]:
    """What stands in backticks and has this form."""
    return set(re.findall(rf"`({pattern})`", page.read_text(encoding="utf-8")))


def spelt_out(path: str) -> Iterator[str]:
    """`a/{b,c}.py` stands for two files."""
    before, brace, rest = path.partition("{")
    inner, _, after = rest.partition("}")
    yield from (
        (f"{before}{name}{after}" for name in inner.split(",")) if brace else [path]
    )


@every_page
def test_a_path_on_a_page_leads_somewhere(page: Path):
    paths = quoted(page, r"(?:agent|bot|docs|examples|tests)/[^`\s:]*")
    linked = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    wanted = [*(ROOT / each for path in paths for each in spelt_out(path))]
    wanted += [page.parent / path for path in linked]
    assert [str(path) for path in wanted if not path.exists()] == []


def test_the_readme_is_short_and_leads_to_every_page():
    readme = PAGES[0].read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 120
    assert [
        page.name for page in PAGES[1:] if f"(docs/{page.name})" not in readme
    ] == []


@cache
def known_tests() -> set[str]:
    """The names of all tests and of their files."""
    files = list(ROOT.glob("tests/**/test_*.py"))
    texts = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return {path.stem for path in files} | {*re.findall(r"def (test_\w+)\(", texts)}


@every_page
def test_a_test_on_a_page_is_there(page: Path):
    named = {name.rpartition("/")[2] for name in quoted(page, r"[\w/]*test_\w+")}
    assert named - known_tests() == set()


@every_page
def test_a_name_of_the_code_can_be_imported(page: Path):
    text = page.read_text(encoding="utf-8")
    imported = re.findall(r"^from ((?:agent|bot)[\w.]*) import (.+)$", text, re.M)
    dotted = {name.rpartition(".") for name in quoted(page, r"(?:agent|bot)\.[\w.]+")}
    for module, names in [*imported, *((m, n) for m, _, n in dotted)]:
        found = importlib.import_module(module)
        for name in names.split(", "):
            assert hasattr(found, name), f"{module} has no {name}"
