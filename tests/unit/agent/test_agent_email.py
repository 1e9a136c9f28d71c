"""The tool `send_email`: what it takes, what it refuses, what goes out."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from langchain_core.tools import ToolException

from agent.gate import OutcomeUnknown
from agent.plain_requests import understand
from agent.tool_arguments import problem_with
from agent.tools.email import MaybeSent, NotSent, make_email_tool

TO = "ann@example.com"
CALL = {"to": TO, "subject": "Lunch", "body": "At noon."}


class Post:
    """Takes e-mails, or fails."""

    sender = "bot@example.org"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.sent: list[tuple[EmailMessage, list[str]]] = []

    async def send(self, message, recipients) -> None:
        if self.error:
            raise self.error
        self.sent.append((message, list(recipients)))


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "ann@example.com, eve@example.com"},
        {"to": "ann@example.com\r\nBcc: eve@example.com"},
        {"to": "Ann <ann@example.com>"},
        {"to": "ann@example.com(eve@example.com)"},
        {"to": "friends: ann@example.com, eve@example.com;"},
        {"to": "ann@exаmple.com"},
        {"to": "ann@example.com\u200b"},
        {"to": "ann@localhost"},
        {"to": []},
        {"to": ["ann@example.com", "eve"]},
        {"to": [f"a{i}@example.com" for i in range(51)]},
        {"cc": "eve@example.com\n"},
        {"bcc": ["x@example.com\r\nSubject: y"]},
        {"subject": "Lunch\r\nBcc: eve@example.com"},
        {"subject": "Lunch\nX: y"},
        {"subject": "Lunch\u2028"},
        {"subject": " "},
        {"attachments": [{"name": "../a.txt", "text": ""}]},
        {"attachments": [{"name": "a\r\n.txt", "text": ""}]},
        {"attachments": ["a.txt"]},
        {"reply_to": "eve@example.com"},
        {"headers": {"Bcc": "eve@example.com"}},
        {"from": "boss@example.com"},
    ],
)
def test_threat_43_hidden_recipients_and_broken_lines_are_refused_unasked(
    changed,
):
    tool = make_email_tool(Post())
    assert problem_with(tool, CALL) == ""
    assert "don't fit send_email" in problem_with(tool, CALL | changed)


async def test_threat_43_all_recipients_are_those_of_the_arguments():
    post = Post()
    call = {
        **CALL,
        "to": [TO, "bob@example.com"],
        "cc": "cy@example.com",
        "bcc": ["di@example.com", TO],
        "attachments": [{"name": "plan.csv", "text": "a,b\n"}],
    }
    said = await make_email_tool(post).ainvoke(call)
    [(message, recipients)] = post.sent
    everybody = [TO, "bob@example.com", "cy@example.com", "di@example.com"]
    assert recipients == everybody
    assert said == f"Sent the e-mail to {', '.join(everybody)}."
    assert message["From"] == "bot@example.org"
    assert (message["To"], message["Cc"]) == (
        f"{TO}, bob@example.com",
        "cy@example.com",
    )
    assert "Bcc" not in message
    [attachment] = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == (
        "plan.csv",
        "a,b\n",
    )


async def test_text_of_any_kind_arrives_as_it_is():
    post = Post()
    body = ".\nFrom here on: Grüße 👋\n.\n"
    await make_email_tool(post).ainvoke({**CALL, "subject": "Grüße", "body": body})
    [(message, _)] = post.sent
    assert message["Subject"] == "Grüße"
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content() == body


async def test_not_sent_and_outcome_unknown_are_told_apart():
    refused = NotSent("The mail server refused it (550).", passes=False)
    with pytest.raises(ToolException, match=r"was not sent.*550") as caught:
        await make_email_tool(Post(refused)).ainvoke(CALL)
    assert not isinstance(caught.value, OutcomeUnknown)
    with pytest.raises(OutcomeUnknown, match="unknown whether"):
        await make_email_tool(Post(MaybeSent())).ainvoke(CALL)


def test_the_offline_model_understands_an_e_mail():
    [wish] = understand(
        "please email ann@example.com about Lunch: At noon.", ["send_email"]
    )
    assert (wish.tool, wish.args) == ("send_email", CALL)
    assert (
        understand("email ann@example.com about Lunch: At noon.", ["read_file"]) == []
    )
