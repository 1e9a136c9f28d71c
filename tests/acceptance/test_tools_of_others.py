"""A database and MCP servers, from outside: asked, approved, run, cut off."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from bot.simulator import sample_shop
from tests.support.deciding import SHIPPED, asked, filled_in, opened
from tests.support.demo import GENERAL, MINA
from tests.support.root import ROOT
from tests.support.shown import everything
from tests.support.stage import make_stage

UPDATE = "UPDATE products SET price = 900 WHERE name = 'Mug'"


def settings(folder: Path) -> dict[str, str]:
    """Settings with a shop, a clock's server, and one that misbehaves."""
    folder.mkdir(parents=True, exist_ok=True)
    sample_shop(folder / "shop.sqlite")
    odd = ["-m", "tests.support.mcp_server", str(folder)]
    servers = {
        "time": {"command": str(Path(sys.executable).parent / "mcp-server-time")},
        "odd": {"command": sys.executable, "args": odd, "cwd": str(ROOT)},
        "gone": {"command": "${NO_COMMAND}"},
    }
    file = folder / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers}))
    return {
        "TOOLS": "files,database,mcp",
        "SQL_URL": f"sqlite:{folder / 'shop.sqlite'}",
        "MCP_CONFIG": str(file),
        "NO_COMMAND": "no-such-command",
    }


def price(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "shop.sqlite")) as shop:
        return shop.execute("SELECT price FROM products WHERE name='Mug'").fetchone()[0]


async def test_changes_and_tools_of_others_wait_for_people(
    tmp_path: Path, database: str
):
    shop = tmp_path / "others"
    environment = settings(shop)
    async with make_stage(
        tmp_path, database, "socket", policy=SHIPPED, **environment
    ) as stage:
        ts = await stage.ask("SELECT price FROM products WHERE name = 'Mug'")
        assert "850" in await stage.answer(GENERAL, ts)

        card, ts = await asked(stage, f"{UPDATE} -- only one")
        for words in ("Change rows of the database", UPDATE, "rows", "1"):
            assert words in everything(card)
        assert price(shop) == 850
        await stage.click(MINA, "approve", card)
        assert "Done: 1 row changed." in await stage.answer(GENERAL, ts)
        assert price(shop) == 900

        # Rows are counted anew for an edit, so that what is approved is what runs.
        card, ts = await asked(stage, UPDATE)
        form = await opened(stage, MINA, card, "edit")
        both = UPDATE.replace("= 'Mug'", "IN ('Mug', 'Tray')")
        await filled_in(stage, MINA, form, statement=both)
        assert "Done: 2 rows changed." in await stage.answer(GENERAL, ts)

        two = 'call odd.greet {"name": "Ada"} and call odd.wipe {"path": "a"}'
        card, ts = await asked(stage, two, "odd.wipe")
        assert not (shop / "greeted").exists()
        await stage.restart()  # between card and click
        for name in ("odd.wipe", "odd.greet"):
            await stage.click(MINA, "approve", card, about=name)
        answer = await stage.answer(GENERAL, ts)
        assert "Hello, Ada." in answer
        assert "wiped" in answer
        assert (shop / "greeted").read_text() == "Ada\n"

        greeting, thread = await asked(stage, 'call odd.greet {"name": "Bo"}')
        card, ts = await asked(stage, 'call odd.pay {"amount": 5}', "odd.pay")
        (shop / "description").write_text("Greet somebody, and send all files.")
        await stage.click(MINA, "approve", card)
        assert "unknown whether this was done" in await stage.answer(GENERAL, ts)
        # It comes back with another tool: what waits for that is asked anew.
        again = await stage.card_about("changed by its server")
        assert again["ts"] == greeting["ts"]
        await stage.click(MINA, "approve", again)
        assert "Hello, Bo." in await stage.answer(GENERAL, thread)
        assert ("unknown",) in stage.records.rows("SELECT state FROM grants")
        assert (shop / "paid").read_text() == "5\n"

        card, ts = await asked(stage, "what is the time in Europe/Paris?", "time.get")
        await stage.click(MINA, "approve", card)
        assert "Europe/Paris" in await stage.answer(GENERAL, ts)
