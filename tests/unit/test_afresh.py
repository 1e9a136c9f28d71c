"""The look before a run: what the click has begun serves it, and nothing older."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from bot.base.errors import SlackUnavailable
from bot.slack import directory as module
from bot.slack.afresh import Afresh
from bot.slack.directory import Directory
from tests.support.fake_slack import SlackOfMembers
from tests.support.people import MINA, OMAR, RAVI, US, person

WHO, FIRST, SECOND = person(MINA), ("r1", 1), ("r1", 2)


@pytest.fixture
def slack() -> SlackOfMembers:
    return SlackOfMembers()


@pytest.fixture
def known(slack: SlackOfMembers) -> Directory:
    return Directory(slack, lambda: US)  # type: ignore[arg-type]


@pytest.fixture
def afresh(known: Directory) -> Afresh:
    return Afresh(known)


@pytest.mark.parametrize(("later", "refusal"), [(9.9, ""), (10.0, "deactivated")])
async def test_what_a_click_has_begun_serves_ten_seconds(
    afresh, slack, directory_clock, later, refusal
):
    afresh.begin(FIRST, [WHO], directory_clock.at)
    await slack.have_answered(MINA)
    slack.gone.add(MINA)
    directory_clock.at += later
    for _ in range(2):  # a job that is tried again
        assert (await afresh.look_again(WHO, FIRST)).refusal == refusal


async def test_a_look_that_is_under_way_is_waited_for(afresh, slack, directory_clock):
    afresh.begin(FIRST, [WHO, person(RAVI)], directory_clock.at)
    await asyncio.gather(
        *(afresh.look_again(each, FIRST) for each in (person(RAVI), WHO))
    )
    assert slack.asked == [MINA, RAVI]


@pytest.mark.parametrize("decision", [SECOND, ("r2", 1)])
async def test_what_another_click_has_begun_does_not_serve(
    afresh, slack, directory_clock, decision
):
    afresh.begin(FIRST, [WHO], directory_clock.at)
    await slack.have_answered(MINA)
    slack.gone.add(MINA)
    assert (await afresh.look_again(WHO, decision)).refusal == "deactivated"


async def test_who_was_not_looked_up_is_asked_for(afresh, slack, directory_clock):
    slack.gone.add(OMAR)
    afresh.begin(FIRST, [WHO], directory_clock.at)
    assert (await afresh.look_again(person(OMAR), FIRST)).refusal == "deactivated"


@pytest.mark.parametrize(("before", "asked"), [(0.0, 2), (-0.1, 1)])
async def test_only_what_was_asked_since_the_click_serves(
    afresh, known, slack, directory_clock, before, asked
):
    await known.look_up(WHO)
    afresh.begin(FIRST, [WHO], directory_clock.at + before)
    await afresh.look_again(WHO, FIRST)
    assert slack.asked == [MINA] * asked


@pytest.mark.parametrize("is_over", [True, False])
async def test_a_look_that_fails_is_made_once_more(
    afresh, slack, directory_clock, is_over
):
    slack.gone.add(MINA)
    slack.troubles.append(TimeoutError())
    afresh.begin(FIRST, [WHO], directory_clock.at)
    if is_over:
        await slack.have_answered(MINA)
    assert (await afresh.look_again(WHO, FIRST)).refusal == "deactivated"
    assert slack.asked == [MINA, MINA]


async def test_a_slack_that_stays_away_is_said(afresh, slack, directory_clock):
    slack.troubles += [TimeoutError(), TimeoutError()]
    afresh.begin(FIRST, [WHO], directory_clock.at)
    with pytest.raises(SlackUnavailable):
        await afresh.look_again(WHO, FIRST)


async def test_a_look_that_hangs_is_made_once_more(
    afresh, slack, directory_clock, monkeypatch
):
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    slack.hangs = 1
    afresh.begin(FIRST, [WHO], directory_clock.at)
    assert (await afresh.look_again(WHO, FIRST)).refusal == ""
    assert slack.asked == [MINA, MINA]


async def test_a_run_that_is_stopped_leaves_the_look_to_others(
    afresh, slack, directory_clock
):
    afresh.begin(FIRST, [WHO], directory_clock.at)
    stopped = asyncio.create_task(afresh.look_again(WHO, FIRST))
    await asyncio.sleep(0)
    stopped.cancel()
    assert (await afresh.look_again(WHO, FIRST)).refusal == ""
    assert slack.asked == [MINA]


async def test_an_error_that_no_run_reads_makes_no_noise(
    afresh, slack, directory_clock
):
    heard: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: heard.append(told))
    slack.troubles.append(TimeoutError())
    afresh.begin(FIRST, [WHO], directory_clock.at)
    await slack.have_answered(MINA)
    directory_clock.at += 10
    afresh.begin(SECOND, [], directory_clock.at)  # which forgets the first
    gc.collect()
    assert afresh._begun.keys() == {SECOND}
    assert heard == []
