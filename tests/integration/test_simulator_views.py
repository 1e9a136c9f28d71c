"""Modals: triggers of three seconds, stacks, forms and what a form answers."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.support.demo import GENERAL, MINA
from tests.support.simulated import CARD, World, field, modal, refusal


def view(**more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "text"}
    return modal(field(element, "why"), **{"callback_id": "reason", **more})


async def opened(made: World, **more: Any) -> str:
    """The id of a view that is open in front of Mina."""
    trigger_id = await made.trigger()
    answer = await made.slack.views_open(trigger_id=trigger_id, view=view(**more))
    return answer["view"]["id"]


async def test_a_trigger_serves_once_and_for_three_seconds(made: World):
    used = await made.trigger()
    await made.slack.views_open(trigger_id=used, view=view())
    late = await made.trigger()
    clock = made.simulator.workspace.clock
    made.simulator.workspace.clock = lambda: clock() + 3.1
    for trigger_id, error in (
        (used, "exchanged_trigger_id"),
        (late, "expired_trigger_id"),
        ("1.2.3", "invalid_trigger_id"),
    ):
        answer = await refusal(
            made.slack.views_open(trigger_id=trigger_id, view=view())
        )
        assert answer["error"] == error
    assert len(made.simulator.open_views(MINA)) == 1


async def test_a_bad_view_is_refused_and_costs_no_trigger(made: World):
    trigger_id = await made.trigger()
    title = {"type": "plain_text", "text": "x" * 25}
    answer = await refusal(
        made.slack.views_open(trigger_id=trigger_id, view=view(title=title))
    )
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    ]
    assert (await made.slack.views_open(trigger_id=trigger_id, view=view()))["ok"]


async def test_three_views_lie_on_each_other_at_most(made: World):
    first = await opened(made)
    for _ in range(2):
        trigger_id = await made.trigger()
        await made.slack.views_push(trigger_id=trigger_id, view=view())
    stack = made.simulator.open_views(MINA)
    assert [v["root_view_id"] for v in stack] == [first] * 3
    assert stack[2]["previous_view_id"] == stack[1]["id"]
    fourth = made.slack.views_push(trigger_id=await made.trigger(), view=view())
    assert (await refusal(fourth))["error"] == "push_limit_reached"


async def test_an_update_is_guarded_by_the_hash(made: World):
    view_id = await opened(made)
    stale = made.slack.views_update(view_id=view_id, hash="1.x", view=view())
    assert (await refusal(stale))["error"] == "hash_conflict"
    fresh = made.simulator.open_views(MINA)[0]["hash"]
    await made.slack.views_update(
        view_id=view_id, hash=fresh, view=view(private_metadata="two")
    )
    [shown] = made.simulator.open_views(MINA)
    assert (shown["id"], shown["private_metadata"]) == (view_id, "two")
    gone = made.slack.views_update(view_id="V0GONE", view=view())
    assert (await refusal(gone))["error"] == "not_found"


async def test_a_form_is_sent_with_every_value_and_closes(made: World):
    view_id = await opened(made, private_metadata="r1")
    result = await made.simulator.submit_view(MINA, view_id, {"text": "because"})
    assert result.acked
    assert made.simulator.open_views(MINA) == []
    [envelope] = made.socket.heard
    payload = envelope["payload"]
    assert envelope["accepts_response_payload"]
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", MINA)
    assert payload["view"]["private_metadata"] == "r1"
    assert payload["view"]["state"]["values"] == {
        "why": {"text": {"type": "plain_text_input", "value": "because"}}
    }


async def test_an_empty_required_field_keeps_the_form(made: World):
    view_id = await opened(made)
    result = await made.simulator.submit_view(MINA, view_id, {})
    assert result.errors == {"why": "Please complete this required field."}
    assert made.socket.heard == []
    assert len(made.simulator.open_views(MINA)) == 1


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({"response_action": "errors", "errors": {"why": "Too short."}}, ["reason"]),
        ({"response_action": "update", "view": view(callback_id="next")}, ["next"]),
        (
            {"response_action": "push", "view": view(callback_id="over")},
            ["reason", "over"],
        ),
        ({"response_action": "clear"}, []),
    ],
)
async def test_a_form_does_what_the_answer_says(
    made: World, answer: Any, left: list[str]
):
    view_id = await opened(made)
    made.socket.answers["view_submission"] = answer
    result = await made.simulator.submit_view(MINA, view_id, {"why": "no"})
    assert [v["callback_id"] for v in made.simulator.open_views(MINA)] == left
    assert result.errors == answer.get("errors", {})


async def test_closing_is_told_only_if_asked_for(made: World):
    quiet = await opened(made)
    assert await made.simulator.close_view(MINA, quiet) is None
    told = await opened(made, notify_on_close=True)
    await made.simulator.close_view(MINA, told)
    assert [e["payload"]["type"] for e in made.socket.heard] == ["view_closed"]
    with pytest.raises(LookupError, match="no open view"):
        await made.simulator.close_view(MINA, told)


async def test_a_response_url_serves_five_times(made: World):
    posted = await made.slack.chat_postMessage(channel=GENERAL, text="x", blocks=CARD)
    payload = made.simulator.click_payload(MINA, GENERAL, posted["ts"], "go")
    async with aiohttp.ClientSession() as session:

        async def respond(**body: Any) -> int:
            async with session.post(payload["response_url"], json=body) as response:
                return response.status

        assert await respond(text="private") == 200
        assert await respond(text="public", response_type="in_channel") == 200
        assert await respond(text="replaced", replace_original=True) == 200
        assert await respond(text="again") == 200
        assert await respond(delete_original=True) == 200
        assert await respond(text="a sixth") == 404
    assert [m["text"] for m in made.simulator.ephemerals(MINA)] == ["private", "again"]
    assert [m["text"] for m in made.simulator.messages(GENERAL)] == ["public"]
