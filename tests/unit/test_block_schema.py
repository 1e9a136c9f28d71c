"""The schemas of blocks are schemas: a misspelt keyword would refuse nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bot import simulator

FILE = Path(simulator.__file__).with_name("block_schema.yml")
SCHEMAS: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
OF_KEYS = ("keys", "kinds", "properties")
OF_OTHERS = ("allOf", "anyOf", "else", "if", "items", "not", "prefixItems")
PLAIN = {
    *("enum", "examples", "maxItems", "maxLength", "maximum", "minItems", "minLength"),
    *("minimum", "offered", "ordered", "pattern", "required", "type"),
}


def inside(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and each schema in it."""
    if schema is True:
        return
    yield schema
    for name in OF_KEYS:
        for inner in schema.get(name, {}).values():
            yield from inside(inner)
    for name in OF_OTHERS:
        inner = schema.get(name, True)
        for each in inner if isinstance(inner, list) else [inner]:
            yield from inside(each)


@pytest.mark.parametrize("name", ["message", "modal", "home", "view"])
def test_each_keyword_of_the_schemas_is_known(name: str):
    found = list(inside(SCHEMAS[name]))
    assert len(found) > 1000
    assert set().union(*found) <= {*OF_KEYS, *OF_OTHERS, *PLAIN}
    for each in {id(schema): schema for schema in found}.values():
        Draft202012Validator.check_schema(each)
