"""A plain Bolt bot: what one would write without this product, as the third contestant.

For its users it does the same: a mention runs the agent, a card asks, a click on
Approve resumes it, the answer comes. It guarantees nothing of that; where it would have
to, a comment says what happens instead.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from aiohttp import web
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.types import Command, interrupt
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.bench import lines
from tests.bench.workspace import BOT_TOKEN, MANAGERS, SIGNING_SECRET
from tests.support.demo import APPROVALS

FILES = Path(os.environ.get("FILES_DIR", "files"))
Body = dict[str, Any]


@tool
def delete_file(path: str) -> str:
    """Delete a file."""
    # whoever changes the arguments in the database has that approved
    if interrupt({"path": path}) != "approve":
        return "A person said no."
    # a crash between this and the next checkpoint does it a second time
    (FILES / path).unlink()
    return f"Deleted {path}."


class PlainBot:
    """Two listeners; all that it remembers is in the checkpoints and on its buttons."""

    def __init__(self, agent: Any, pool: AsyncConnectionPool[Any]) -> None:
        self._agent, self._pool = agent, pool

    async def mention(self, event: Body, client: AsyncWebClient) -> None:
        """Run the agent, and ask for what it wants to do."""
        # Slack has its 200: if the process dies from here on, the message is lost
        if not await _is_member(client, event["user"]):
            return
        asked = {"messages": [{"role": "user", "content": event["text"]}]}
        values = await self._run(event["ts"], asked)
        [question] = values["__interrupt__"]
        place = {"channel": event["channel"], "thread": event["ts"]}
        told = await client.chat_postMessage(
            channel=place["channel"],
            thread_ts=place["thread"],
            text="delete_file waits for an approval.",
        )
        value = {**place, "told": told["ts"], "question": question.id}
        text = f"Delete {question.value['path']}?"
        # a time-out here leaves no card, or two
        await client.chat_postMessage(
            channel=APPROVALS, text=text, blocks=_card(text, json.dumps(value))
        )
        # nobody is reminded, and nothing ever expires

    async def approve(self, ack: Any, body: Body, client: AsyncWebClient) -> None:
        """Resume the agent, and say what came of it."""
        await ack()  # and whoever kills the process now has the click lost
        user, value = body["user"]["id"], json.loads(body["actions"][0]["value"])
        if user not in MANAGERS or not await _is_member(client, user):
            return  # and is told nothing
        # two clicks at once resume it twice; no record says who approved what
        said = {"text": f"Approved by <@{user}>.", "blocks": []}
        place = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
        await asyncio.gather(
            client.chat_update(**place, **said),
            client.chat_update(channel=value["channel"], ts=value["told"], **said),
        )
        command = Command(resume={value["question"]: "approve"})
        values = await self._run(value["thread"], command)
        await client.chat_postMessage(
            channel=value["channel"],
            thread_ts=value["thread"],
            text=values["messages"][-1].text,
        )
        await client.chat_update(**place, **{**said, "text": said["text"] + " Done."})

    async def _run(self, thread: str, given: Any) -> dict[str, Any]:
        # a saver of its own: one lets a single run at a time to the database
        saver = AsyncPostgresSaver(self._pool)
        agent = self._agent.copy(update={"checkpointer": saver})
        config = {"configurable": {"thread_id": thread}}
        return await agent.ainvoke(given, config, durability="sync")


async def _is_member(client: AsyncWebClient, user: str) -> bool:
    found = (await client.users_info(user=user))["user"]
    return not (found["deleted"] or found["is_bot"] or found["is_restricted"])


def _card(text: str, value: str) -> list[dict[str, Any]]:
    button = {"type": "button", "action_id": "approve", "value": value}
    button |= {"text": {"type": "plain_text", "text": "Approve"}}
    return [
        {"type": "section", "text": {"type": "plain_text", "text": text}},
        {"type": "actions", "block_id": "decide", "elements": [button]},
    ]


async def main() -> None:
    """Serve until stdin ends."""
    settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    url, model = os.environ["DATABASE_URL"], os.environ["OPENAI_BASE_URL"]
    async with AsyncConnectionPool(
        url, kwargs=settings, min_size=1, max_size=20, open=False
    ) as pool:
        await AsyncPostgresSaver(pool).setup()
        chat = ChatOpenAI(model="bench", base_url=model, api_key=lambda: "bench")
        bot = PlainBot(create_agent(chat, [delete_file]), pool)
        slack = AsyncWebClient(BOT_TOKEN, base_url=os.environ["SLACK_API_URL"])
        app = AsyncApp(client=slack, signing_secret=SIGNING_SECRET)
        app.event("app_mention")(bot.mention)
        app.action("approve")(bot.approve)
        runner = web.AppRunner(app.server().web_app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        lines.tell({"ready": runner.addresses[0][1]})
        async for _ in lines.read():
            pass
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
