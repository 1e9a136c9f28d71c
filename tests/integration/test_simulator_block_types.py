"""Every block and element that Slack knows is taken where Slack takes it."""

from __future__ import annotations

import copy

import pytest

from bot.simulator.block_check import errors, view_errors
from tests.support.block_samples import ELEMENTS, GOOD
from tests.support.simulated import field, modal, plain


@pytest.mark.parametrize("name", GOOD)
def test_each_block_is_taken_in_a_message(name: str):
    assert errors([GOOD[name]]) == []


@pytest.mark.parametrize("name", GOOD)
def test_any_further_key_is_refused(name: str):
    block = copy.deepcopy(GOOD[name])
    block["colour"] = "red"
    assert [each["pointer"] for each in errors([block])] == ["/0/colour"]


@pytest.mark.parametrize("kind", ELEMENTS)
def test_a_form_takes_each_input_but_no_unknown_key(kind: str):
    element = {"type": kind, "action_id": "a", **ELEMENTS[kind]}
    assert view_errors(modal(field(element))) == []
    [found] = view_errors(modal(field({**element, "colour": "red"})))
    assert found["pointer"] == "/blocks/0/element/colour"


IN_MODALS = {"card", "video", "button with all", "workflow_button"}
NOT_AT_HOME = {"markdown", "task_card", "plan"}
IN_BOTH = {"team and styled emoji"}


@pytest.mark.parametrize("name", GOOD)
def test_each_block_stands_on_its_surfaces_only(name: str):
    in_modal = errors([GOOD[name]], "modal") == []
    at_home = errors([GOOD[name]], "home") == []
    assert in_modal == (name in IN_MODALS | IN_BOTH)
    assert at_home == (name not in NOT_AT_HOME)


def test_an_alert_stands_in_modals_alone():
    alert = {"type": "alert", "text": plain("Mind!"), "level": "warning"}
    assert view_errors(modal(alert)) == []
    [found] = errors([alert])
    assert (found["code"], found["pointer"]) == ("invalid_type", "/0")
    assert errors([alert], "home")
