"""People's acts on a card: its menu, the forms that it opens, and what they paid."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.simulator import ClickResult
from tests.support.demo import APPROVALS, GENERAL, MAREK, MINA, RAVI
from tests.support.root import ROOT
from tests.support.shown import Message, buttons, everything
from tests.support.stage import Stage

View = dict[str, Any]
SHIPPED = (ROOT / "bot/simulator/policy.yml").read_text(encoding="utf-8")
#: A stage where the sandbox's tools are decided as in the simulator.
SANDBOX = {"policy": SHIPPED, "TOOLS": "files,sandbox"}


async def asked(
    stage: Stage, text: str, about: str = "", **more: str
) -> tuple[Message, str]:
    """The new card that shows what it is about, and the thread that asked for it."""
    before = {card["ts"] for card in stage.cards()}
    ts = await stage.ask(text, **more)

    def new() -> list[Message]:
        return [c for c in stage.cards_about(about) if c["ts"] not in before]

    return (await stage.simulator.wait_for(new))[0], ts


async def asked_to_delete(
    stage: Stage, name: str, user: str = RAVI
) -> tuple[Path, Message, str]:
    """A file that the agent asks to delete: it, the card, and the thread that asked."""
    file = stage.put(name)
    return file, *await asked(stage, f"delete {name}", name, user=user)


def request_of(card: Message) -> str:
    """The value of the card's buttons: until the first edit the request's own id."""
    return next(value for _, value in buttons(card) if value)


def undecided(stage: Stage, *cards: Message) -> None:
    """Check that nothing was decided, and the cards still take clicks."""
    for card in cards:
        request = request_of(stage.message(APPROVALS, card["ts"]))
        assert stage.records.status(request) == "pending"
        assert not stage.records.decisions(request)


def offered(card: Message) -> dict[str, str]:
    """The value of each option in the card's menu, by the part before its colon."""
    return {
        option["value"].partition(":")[0]: option["value"]
        for block in card["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        for option in element.get("options", ())
    }


async def choose(stage: Stage, user: str, card: Message, word: str) -> ClickResult:
    """Choose something in the card's menu: reject, edit, answer, view, history.

    To withdraw is to click on the notice in the conversation's thread; what a card
    with longer arguments offers is chosen all the same.
    """
    place, options = (card["channel"], card["ts"]), offered(card)
    if word == "withdraw" and word not in options:
        return await _withdraw(stage, user, request_of(card))
    if word not in options:
        return await stage.simulator.send_payload(forged(stage, user, card, word))
    return await stage.simulator.click(user, *place, "more", offered(card)[word])


def forged(stage: Stage, user: str, card: Message, word: str) -> dict[str, Any]:
    """A choice in the card's menu that the card does not offer, not sent yet."""
    option = offered(card)["history"]
    place = (card["channel"], card["ts"])
    payload = stage.simulator.click_payload(user, *place, "more", option)
    chosen = payload["actions"][0]["selected_option"]
    chosen["value"] = f"{word}:{option.partition(':')[2]}"
    return payload


async def _withdraw(stage: Stage, user: str, token: str) -> ClickResult:
    place = (GENERAL, (await notice_of(stage, token))["ts"])
    return await stage.simulator.click(user, *place, "withdraw", token)


async def notice_of(stage: Stage, token: str) -> Message:
    """The notice in the conversation's thread, once it offers to withdraw."""

    def notice() -> Message | None:
        said = stage.simulator.messages(GENERAL)
        return next((m for m in said if ("withdraw", token) in buttons(m)), None)

    found = await stage.simulator.wait_for(notice)
    assert found is not None
    return found


async def opened(stage: Stage, user: str, card: Message, word: str) -> View:
    """The form that a choice in the menu, or the Approve that asks first, opens."""
    if word == "approve":
        await stage.click(user, "approve_typed", card)
    else:
        await choose(stage, user, card, word)
    views = await stage.simulator.wait_for(lambda: stage.simulator.open_views(user))
    return views[-1]


async def filled_in(
    stage: Stage, user: str, view: View, **values: object
) -> ClickResult:
    """Send a form; values are by the first word of an input's label, in lower case.

    An option is named by its label.
    """
    fields = {label: block for label, block in inputs(view).items() if label in values}
    assert fields.keys() == values.keys(), list(inputs(view))
    given = {
        block["block_id"]: _held(block["element"], values[label])
        for label, block in fields.items()
    }
    return await stage.simulator.submit_view(user, view["id"], given)


def inputs(view: View) -> dict[str, View]:
    """The inputs of a form by the first word of their labels, in lower case."""
    blocks = [block for block in view["blocks"] if block["type"] == "input"]
    return {block["label"]["text"].split()[0].lower(): block for block in blocks}


def _held(element: View, value: object) -> object:
    labels = {o["text"]["text"]: o["value"] for o in element.get("options", ())}
    return labels[str(value)] if labels else value


async def shows(stage: Stage, card: Message, *words: str) -> Message:
    """The card, as soon as it shows all of these words."""

    def now() -> Message | None:
        found = stage.message(card["channel"], card["ts"])
        return found if all(word in everything(found) for word in words) else None

    shown = await stage.simulator.wait_for(now)
    assert shown is not None
    return shown


async def raised(stage: Stage, amount: int = 7) -> str:
    """The id of a request to transfer money."""
    card, _ = await asked(stage, f"transfer {amount} GBP to alice")
    return request_of(card)


async def one_of_twenty_clicks_decides(stage: Stage, name: str) -> None:
    """Two people click everything at once: one decides, the others are answered."""
    file = stage.put(name)
    card, ts = await asked(stage, f"delete {name}")
    clicks = [
        stage.click(user, action, card)
        for _ in range(5)
        for user in (MINA, MAREK)
        for action in ("approve", "reject")
    ]
    results = await asyncio.gather(*clicks)
    await stage.answer(GENERAL, ts)

    request = request_of(card)
    [(_, verdict)] = stage.records.decisions(request)
    word = {"approve": "Approved", "reject": "Rejected"}[verdict]
    await stage.outcome(card, word)
    assert all(result.acked for result in results)
    assert stage.records.status(request) == word.lower()
    assert stage.records.claims(request) == (verdict == "approve")
    assert file.exists() is (verdict == "reject")


def transfers(stage: Stage) -> list[tuple[str, str, int]]:
    """The transfers made: payee, currency and hundredths; oldest first."""
    return list(_rows(stage, "SELECT payee, currency, pence FROM transfers"))


def databases(stage: Stage) -> set[str]:
    """The databases that the sandbox still has."""
    found = (stage.files / ".sandbox/databases").glob("*.sqlite")
    return {file.stem for file in found}


def _rows(stage: Stage, query: str) -> Iterator[Any]:
    book = stage.files / ".sandbox/accounts.sqlite"
    if book.exists():
        with closing(sqlite3.connect(f"file:{book}?mode=ro", uri=True)) as connection:
            yield from connection.execute(query)
