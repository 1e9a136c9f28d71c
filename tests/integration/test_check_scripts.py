"""The scripts that compare with Slack's published samples and schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import check_manifest, compare_samples
from tests.support.compare_samples import Shape, differences, reason
from tests.support.simulator_tour import Tour


def found(value: Any, *samples: Any) -> list[tuple[str, str]]:
    shape = Shape()
    for sample in samples:
        shape.learn(sample)
    return list(differences(value, shape))


@pytest.mark.parametrize(
    ("value", "sample"),
    [
        ({"a": 1}, {"a": 123, "b": ""}),
        ({"a": 1}, {"a": 12.5}),
        ({"a": [{"x": 1}, {"y": ""}]}, {"a": [{"x": 1}, {"y": ""}]}),
        ({"a": {"anything": 1}}, {"a": {}}),
        ({"a": ["x"]}, {"a": []}),
        ({"fields": {"Xf0MANAGER": {"v": ""}}}, {"fields": {"X00000000": {"v": ""}}}),
    ],
)
def test_what_the_sample_has_is_no_difference(value: Any, sample: Any):
    assert found(value, sample) == []


@pytest.mark.parametrize(
    ("value", "sample", "path"),
    [
        ({"c": 1}, {"a": 1}, "/c"),
        ({"a": "1"}, {"a": 1}, "/a"),
        ({"a": True}, {"a": 1}, "/a"),
        ({"a": None}, {"a": ""}, "/a"),
        ({"a": [{"x": 1}]}, {"a": [{"y": 1}]}, "/a/*/x"),
        ({"f": {"Xf0": {"w": ""}}}, {"f": {"X00000000": {"v": ""}}}, "/f/Xf0/w"),
        ({"a": {}}, {"a": []}, "/a"),
    ],
)
def test_another_name_or_type_is_a_difference(value: Any, sample: Any, path: str):
    assert [each for each, _ in found(value, sample)] == [path]


def test_an_exception_has_its_reason_and_holds_there_alone():
    assert reason("block_actions", "/enterprise")
    assert reason("views.open", "/view/close")
    assert not reason("views.open", "/view/submitted")
    assert not reason("message", "/user")


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sample of one answer, and a simulator that gives it."""
    (tmp_path / "api").mkdir()
    (tmp_path / "events").mkdir()
    path = tmp_path / "api" / "chat.delete.json"
    path.write_text(json.dumps({"ok": False, "channel": "", "ts": ""}))

    async def tour() -> Tour:
        seen = Tour()
        seen.answers["chat.delete"] = [{"ok": True, "channel": "C1", "ts": "1.0"}]
        seen.answers["chat.unheard"] = [{"ok": True, "x": 1}]
        return seen

    monkeypatch.setattr(compare_samples, "tour", tour)
    return tmp_path


def test_the_script_says_what_differs_and_ends_with_a_status(
    samples: Path, capsys: pytest.CaptureFixture[str]
):
    assert compare_samples.main([str(samples)]) == 0
    assert "0 differences" in capsys.readouterr().out
    path = samples / "api" / "chat.delete.json"
    path.write_text(json.dumps({"ok": False, "channel": ""}))
    assert compare_samples.main([str(samples)]) == 1
    assert "different chat.delete /ts: not in the sample" in capsys.readouterr().out
    assert compare_samples.main([str(samples / "api")]) == 2


def test_the_manifest_is_checked_without_a_schema(capsys: pytest.CaptureFixture[str]):
    assert check_manifest.main([]) == 0
    assert "0 complaints" in capsys.readouterr().out


def test_the_manifest_is_held_against_a_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("jsonschema")
    schema = tmp_path / "schema.json"
    demanded = {"properties": {"features": {"required": ["teapot"]}}}
    schema.write_text(json.dumps(demanded))
    assert check_manifest.main([str(schema)]) == 1
    assert "features: 'teapot' is a required property" in capsys.readouterr().out
