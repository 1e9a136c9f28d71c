"""The sandbox: play money and databases, with real effects in their files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from langchain_core.tools import ToolException
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent.gate import Gate
from agent.grant_protocol import MemoryGrants
from agent.graph import build_graph
from agent.offline import OfflineModel
from agent.tool_arguments import problem_with, schema_of
from agent.tools import make_tools, sandbox
from agent.tools.sandbox import to_pence
from tests.support.root import ROOT

ASK = frozenset({"transfer_money", "drop_database"})


@pytest.fixture
def tools(tmp_path):
    return {t.name: t for t in make_tools(["sandbox"], files_dir=tmp_path)}


def held(root, name, currency="GBP"):
    """The balance of an account, read from its file as anybody could."""
    query = "SELECT pence FROM accounts WHERE name = ? AND currency = ?"
    with closing(sqlite3.connect(root / ".sandbox" / "accounts.sqlite")) as book:
        return book.execute(query, (name, currency)).fetchone()[0]


def entries(root):
    query = "SELECT payee, currency, pence FROM transfers ORDER BY id"
    with closing(sqlite3.connect(root / ".sandbox" / "accounts.sqlite")) as book:
        return book.execute(query).fetchall()


def files(root):
    return sorted(p.name for p in (root / ".sandbox" / "databases").iterdir())


async def pay(tools, to="alice", amount: float = 500, currency="GBP"):
    args = {"to": to, "amount": amount, "currency": currency}
    return await tools["transfer_money"].ainvoke(args)


async def test_a_transfer_moves_the_money_and_says_so(tools, tmp_path):
    said = await pay(tools, "alice", 1500.5)

    assert said == (
        "Sandbox: transferred GBP 1,500.50 to alice; GBP 248,499.50 are left."
    )
    assert held(tmp_path, "ours") == 25_000_000 - 150_050
    assert held(tmp_path, "alice") == 120_000 + 150_050
    assert held(tmp_path, "ours", "EUR") == 25_000_000
    assert entries(tmp_path) == [("alice", "GBP", 150_050)]


@pytest.mark.parametrize(
    ("to", "amount", "words"),
    [
        ("mallory", 1, "no payee 'mallory', so nothing was transferred"),
        ("ours", 1, "no payee 'ours'"),
        ("Alice", 1, "no payee 'Alice'"),
        ("x\u202e" * 99, 1, r"no payee 'x\\u202ex"),
        ("alice", 250_000.01, "only GBP 250,000.00, less than GBP 250,000.01"),
        ("alice", 1e300, "less than GBP 1"),
    ],
)
async def test_what_cannot_be_paid_is_one_sentence_and_changes_nothing(
    tools, tmp_path, to, amount, words
):
    with pytest.raises(ToolException, match=r"^Sandbox: ") as caught:
        await pay(tools, to, amount)

    sentence = str(caught.value)
    assert words.replace("\\\\", "\\") in sentence
    assert sentence.isprintable()
    assert held(tmp_path, "ours") == 25_000_000
    assert entries(tmp_path) == []


async def test_all_the_money_can_be_paid_and_then_no_more(tools, tmp_path):
    await pay(tools, "bob", 250_000)

    with pytest.raises(ToolException, match=r"only GBP 0\.00"):
        await pay(tools, "bob", 0.01)

    assert held(tmp_path, "ours") == 0


@given(st.integers(1, 10**12), st.integers(0, 99))
def test_an_amount_is_read_to_the_last_penny(whole, hundredths):
    assert to_pence(float(f"{whole}.{hundredths:02}")) == whole * 100 + hundredths
    assert to_pence(whole) == whole * 100


def test_the_schema_is_plain_enough_for_a_form(tools):
    schema = schema_of(tools["transfer_money"])

    kept = ("type", "enum", "exclusiveMinimum", "description")
    shown = {
        name: {key: found[key] for key in kept if key in found}
        for name, found in schema["properties"].items()
    }
    texts = {name: found.pop("description") for name, found in shown.items()}
    assert shown == {
        "to": {"type": "string"},
        "amount": {"type": "number", "exclusiveMinimum": 0},
        "currency": {"type": "string", "enum": ["GBP", "EUR", "USD"]},
    }
    assert all(texts.values())
    assert schema["required"] == ["to", "amount", "currency"]
    assert "$defs" not in schema
    assert set(schema_of(tools["drop_database"])["properties"]) == {"name"}
    for name in ("list_accounts", "list_databases"):
        assert schema_of(tools[name])["properties"] == {}
    assert all("sandbox" in tool.description for tool in tools.values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": 0}, "greater than 0"),
        ({"amount": -1}, "greater than 0"),
        ({"amount": 10.005}, "give at most two decimals"),
        ({"amount": 1e-7}, "give at most two decimals"),
        ({"amount": "500"}, "valid number"),
        ({"amount": True}, "valid number"),
        ({"amount": None}, "valid number"),
        ({"currency": "CHF"}, "'GBP', 'EUR' or 'USD'"),
        ({"currency": "gbp"}, "'GBP', 'EUR' or 'USD'"),
        ({"to": 7}, "valid string"),
        ({"rush": True}, "there is no argument 'rush'"),
    ],
)
def test_arguments_that_cannot_be_meant_ask_nobody(tools, change, words):
    good = {"to": "alice", "amount": 500, "currency": "GBP"}

    problem = problem_with(tools["transfer_money"], good | change)

    assert words.lower() in problem.lower()
    for amount in (500, 500.0, 0.01, 1500.5, 999_999_999.99):
        assert not problem_with(tools["transfer_money"], good | {"amount": amount})


async def test_accounts_and_databases_are_listed(tools):
    accounts = (await tools["list_accounts"].ainvoke({})).splitlines()
    databases = (await tools["list_databases"].ainvoke({})).splitlines()

    assert accounts[0].startswith("Sandbox: ")
    assert accounts[1] == "ours: EUR 250,000.00, GBP 250,000.00, USD 250,000.00"
    assert "bob: EUR 300.00, GBP 45.50, USD 0.00" in accounts
    assert databases[0].startswith("Sandbox: ")
    assert databases[1:] == [
        f"{name}: customers, orders" for name in ("analytics", "prod", "staging")
    ]


async def test_a_dropped_database_loses_its_file_and_stays_gone(tools, tmp_path):
    await tools["list_databases"].ainvoke({})
    journal = tmp_path / ".sandbox" / "databases" / "staging.sqlite-journal"
    journal.write_text("left over")

    said = await tools["drop_database"].ainvoke({"name": "staging"})

    assert said == "Sandbox: dropped the database staging."
    assert files(tmp_path) == ["analytics.sqlite", "prod.sqlite"]
    again = {t.name: t for t in make_tools(["sandbox"], files_dir=tmp_path)}
    assert "staging" not in await again["list_databases"].ainvoke({})
    with pytest.raises(ToolException, match="no database 'staging', so nothing"):
        await again["drop_database"].ainvoke({"name": "staging"})


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../accounts",
        "PROD",
        "prod ",
        "prod.sqlite",
        "prod\0",
        "./prod",
        "databases/prod",
        "/etc/passwd",
        "link",
        "dir",
        "pr%6Fd",
        "a" * 100_000,
        "\ud800",
    ],
)
async def test_no_name_leads_anywhere_but_to_a_database(tools, tmp_path, name):
    secret = tmp_path / "secret.sqlite"
    secret.write_text("secret")
    await tools["list_databases"].ainvoke({})
    place = tmp_path / ".sandbox" / "databases"
    (place / "link.sqlite").symlink_to(secret)
    (place / "dir.sqlite").mkdir()

    with pytest.raises(ToolException, match="so nothing was dropped") as caught:
        await tools["drop_database"].ainvoke({"name": name})

    assert len(str(caught.value)) < 300
    assert secret.read_text() == "secret"
    assert len(files(tmp_path)) == 5
    listed = await tools["list_databases"].ainvoke({})
    assert "link" not in listed
    assert "dir" not in listed


@pytest.mark.parametrize("part", [".sandbox", ".sandbox/accounts.sqlite"])
async def test_a_link_in_place_of_the_sandbox_is_not_followed(tools, tmp_path, part):
    await tools["list_accounts"].ainvoke({})
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    os.rename(tmp_path / part, elsewhere)
    (tmp_path / part).symlink_to(elsewhere)
    before = {p: p.stat().st_mtime_ns for p in elsewhere.parent.rglob("*.sqlite")}

    with pytest.raises(ToolException, match=r"[Ss]andbox") as caught:
        await pay(tools)

    assert "\n" not in str(caught.value)
    after = {p: p.stat().st_mtime_ns for p in elsewhere.parent.rglob("*.sqlite")}
    assert after == before


async def test_a_missing_account_book_is_not_recreated(tools, tmp_path):
    await tools["list_accounts"].ainvoke({})
    (tmp_path / ".sandbox" / "accounts.sqlite").unlink()

    with pytest.raises(ToolException, match=r"accounts\.sqlite is missing"):
        await pay(tools)


async def test_a_book_that_somebody_else_holds_is_said(tools, tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "BUSY", 0.05)
    await tools["list_accounts"].ainvoke({})
    with closing(sqlite3.connect(tmp_path / ".sandbox" / "accounts.sqlite")) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(ToolException, match="in use, so nothing was changed"):
            await pay(tools)

    assert entries(tmp_path) == []


def test_a_transfer_that_fails_in_the_middle_moves_nothing(tmp_path, monkeypatch):
    sandbox.accounts(tmp_path)
    broken = {**sandbox.SQL, "note_transfer": "INSERT INTO nowhere VALUES (1)"}
    monkeypatch.setattr(sandbox, "SQL", broken)

    with pytest.raises(sqlite3.OperationalError):
        sandbox.transfer(tmp_path, "alice", 5, "GBP")

    assert held(tmp_path, "ours") == 25_000_000
    assert held(tmp_path, "alice") == 120_000


def test_two_makers_at_once_make_one_sandbox(tmp_path):
    barrier = threading.Barrier(4)

    def make():
        barrier.wait()
        sandbox.transfer(tmp_path, "acme", 1, "GBP")

    threads = [threading.Thread(target=make) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert held(tmp_path, "acme") == 400
    assert [p.name for p in tmp_path.iterdir()] == [".sandbox"]


PAY = """
import sys
from pathlib import Path
from agent.tools.sandbox import transfer
print("ready", flush=True)
for _ in range(20):
    transfer(Path(sys.argv[1]), "acme", 0.01, "GBP")
"""


def test_two_processes_at_once_lose_no_penny(tmp_path):
    sandbox.accounts(tmp_path)

    command = [sys.executable, "-c", PAY, str(tmp_path)]

    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"ready\n"
        for _ in range(20):
            sandbox.transfer(tmp_path, "acme", 0.01, "GBP")

    assert other.returncode == 0
    assert held(tmp_path, "acme") == 40
    assert held(tmp_path, "ours") == 25_000_000 - 40
    assert len(entries(tmp_path)) == 40


async def test_a_whole_conversation_with_edit_answer_and_reject(tmp_path):
    grants = MemoryGrants(ask=ASK)
    tools = make_tools(["files", "sandbox"], files_dir=tmp_path)
    graph = build_graph(OfflineModel(), tools, Gate(grants))
    graph = graph.copy(update={"checkpointer": InMemorySaver()})
    config = {"configurable": {"thread_id": "t1"}}
    asked = "pay alice £500; transfer 7 EUR to bob, drop staging and drop database prod"
    await graph.ainvoke({"messages": [HumanMessage(asked)]}, config)
    waiting = (await graph.aget_state(config)).interrupts
    large, small, staging, prod = sorted(
        waiting, key=lambda i: -i.value["args"].get("amount", -len(i.value["args"]))
    )
    less = {"to": "alice", "amount": 12.5, "currency": "GBP"}
    grants.approve("t1", large.value["tool_call_id"], less)
    grants.approve("t1", staging.value["tool_call_id"])

    answers = {
        large.id: {
            "type": "edit",
            "edited_action": {"name": "transfer_money", "args": less},
        },
        small.id: {"type": "respond", "message": "He has it already."},
        staging.id: {"type": "approve"},
        prod.id: {"type": "reject", "message": "Not run: rejected. Reason: never."},
    }
    done = await graph.ainvoke(Command(resume=answers), config)

    assert done["messages"][-1].text.splitlines()[:-1] == [
        "A person changed `transfer 500 GBP to alice` to `transfer 12.5 GBP to alice`. "
        "Sandbox: transferred GBP 12.50 to alice; GBP 249,987.50 are left.",
        "`transfer 7 EUR to bob` didn't run. A person answered instead: He has it "
        "already.",
        "Sandbox: dropped the database staging.",
        "`drop database prod`: Not run: rejected. Reason: never.",
    ]
    assert entries(tmp_path) == [("alice", "GBP", 1250)]
    assert files(tmp_path) == ["analytics.sqlite", "prod.sqlite"]
