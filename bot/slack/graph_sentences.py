"""Sentences about a graph that the bot serves, and about what it did by itself.

Functions that say "mrkdwn" give text for Slack, already escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.slack.sentences import tool_or_something
from bot.slack.text import joined, mentions

AGENT_RETURNED_NOTHING = (
    "The agent's graph came to its end and returned no message, so I have nothing to "
    "tell you. Whoever runs the bot can see to it that it adds its answer to its "
    "messages."
)
GRAPH_CHANGED = (
    "The agent's graph has changed and no longer asks this, so it did not run. Please "
    "ask again if it is still needed."
)
STOPPED_FOR_AGENT = (
    "This call was not run: its turn was stopped. Do not take it for done, and do not "
    "try it again unless the person asks for it."
)


def graph_refuses(complaint: str) -> str:
    """Plain text. For the card: `complaint` is the graph's own word on an answer."""
    return f"The agent's graph does not take this answer: {complaint}"


def find_out(tool: str, code: str, people: Sequence[str]) -> str:
    """mrkdwn. Under the card, for who asked and who could decide: user ids."""
    return (
        f"{mentions(people)}: it is unknown whether {tool_or_something(tool)} ({code}) "
        "happened, since I was cut off in the middle. Please check by hand, and say on "
        "the card what you found; “Ask again” hands the request to the agent once more."
    )


def unknown_in_thread(calls: Sequence[tuple[str, str]]) -> str:
    """mrkdwn. For the conversation's thread; tools and codes of their requests."""
    named = joined([f"{tool_or_something(tool)} ({code})" for tool, code in calls])
    return (
        f"I was cut off in the middle, so it is unknown whether this happened: {named}."
        " I do not run it again by myself; on the card people can say what they find."
    )
