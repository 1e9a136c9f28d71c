"""Each sentence says what is wrong and what to do, and lets nothing untrusted in."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from agent.phrases.tool_calls import ORDERS, RUNNING, STOP, UNRECORDED, denied
from bot.approvals.model import Execution, Status
from bot.texts import (
    agent,
    audit,
    cards,
    clicks,
    conversation,
    graphs,
    notices,
    operation,
)
from bot.texts.formatting import lasting
from bot.web.links.pages import used_page
from tests.support.cards_samples import decision
from tests.support.people import MINA, OMAR, RAVI
from tests.support.request_builder import NOW, request
from tests.support.root import ROOT, name_of, nodes_of
from tests.support.sentences import sentences

LABELS = (
    *(agent.AN_APP, agent.AN_IMAGE, agent.FORWARDED_DEEPER),
    *(agent.ATTACHED, agent.FILES, agent.NOT_READ, agent._DATA),
    *(agent.NOT_RUN, agent.REJECTED, agent.TIMED_OUT),
    *(conversation.STOP_LABEL, conversation.WAITS),
    *(graphs.AT_RUN_TIME, graphs.MALFORMED, graphs.NO_LONGER_ASKED),
    *(graphs.NOT_COMPILED, graphs.NOT_IMPORTED, graphs.WITHOUT_A_WORD),
    cards.AN_OPERATOR,
    cards.HIGH_RISK,
    notices.HIGH_RISK,
    clicks.TRY_AGAIN,
    clicks.TRY_AGAIN_LABEL,
)
REFUSALS = ["deactivated", "guest", "stranger", "bot", "other team"]
NOT_SAID = {
    "account not said": "whether your account is active",
    "bot not said": "whether you are a bot",
    "guest not said": "whether you are a guest",
}


@pytest.mark.parametrize("word", [*REFUSALS, *NOT_SAID])
def test_each_refusal_has_its_own_words_for_asking_and_deciding(word):
    others = [conversation.may_not_ask(w) for w in (*REFUSALS, *NOT_SAID) if w != word]
    assert conversation.may_not_ask(word) not in others
    assert "Nothing was run" in conversation.may_not_ask(word)
    assert "Nothing was decided" in clicks.may_not_decide(word, [MINA])


@pytest.mark.parametrize(("word", "what"), NOT_SAID.items())
def test_what_slack_did_not_say_is_said_to_be_so(word, what):
    assert f"Slack didn't say {what}" in conversation.may_not_ask(word)
    assert f"Slack didn't say {what}" in clicks.may_not_decide(word)


def test_an_unknown_refusal_is_still_a_sentence():
    assert "not a full member" in conversation.may_not_ask("something new")


@pytest.mark.parametrize(
    "sentence",
    [
        clicks.not_an_approver([MINA, OMAR]),
        clicks.requester_cannot_approve([MINA, OMAR]),
        clicks.participant_cannot_approve([MINA, OMAR]),
        clicks.superseded(RAVI, [MINA, OMAR]),
        clicks.not_allowed([MINA, OMAR]),
        clicks.only_requester_withdraws(RAVI, [MINA, OMAR]),
    ],
)
def test_a_refused_click_says_who_can_decide(sentence):
    assert f"<@{MINA}> or <@{OMAR}> can" in sentence


def test_help_names_tools_in_words_but_not_too_many():
    assert "tools: a b and odd.greet." in conversation.help_text(["odd.greet", "a_b"])
    assert " and 10 more." in conversation.help_text([f"tool{n}" for n in range(50)])


def test_one_of_a_thing_is_not_said_to_be_many():
    assert audit.good(1, 1) == "Good: 1 row; 1 text erased."
    assert audit.good(2, 0) == "Good: 2 rows."
    assert operation.schema_lacks(["0001_a"]).startswith("lacks 0001_a; run: ")
    assert operation.schema_lacks(["0001_a"] * 9).startswith("lacks 9 migrations; ")
    assert audit.summary(1, 2) == "1 request, 2 refused attempts."


def test_nobody_left_to_decide_is_said():
    assert "No one can decide" in clicks.not_an_approver([])


def test_a_late_click_says_that_the_request_timed_out():
    assert "timed out" in clicks.late(NOW)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.APPROVED, "approved"),
        (Status.REJECTED, "rejected"),
        (Status.TIMED_OUT, "timed out"),
        (Status.WITHDRAWN, "withdrawn"),
        (Status.ANSWERED, "answered"),
    ],
)
def test_a_second_click_says_what_was_decided_and_by_whom(status, word):
    say = clicks.already_decided
    text = say(status, MINA, NOW)
    assert f"already {word} by <@{MINA}>" in text
    assert "by" not in say(status, "", NOW).partition(",")[0]


def test_the_waiting_notice_names_call_people_deadline_and_card():
    link = "https://x.slack.com/archives/C1/p1?thread_ts=1&cid=C1"
    text = notices.waiting(request(), [MINA], link)

    assert f"Waiting for <@{MINA}> to approve *Delete file* `reports/q3.csv`" in text
    assert "|24 Nov 2026 09:30 UTC>" in text
    assert f"<{link.replace('&', '&amp;')}|Open>" in text
    assert "|Open>" not in notices.waiting(request(), [MINA])


@pytest.mark.parametrize(
    ("status", "execution", "said"),
    [
        (Status.APPROVED, Execution.DONE, "✅ Approved"),
        (Status.REJECTED, None, "⛔ Rejected"),
        (Status.TIMED_OUT, None, "⌛ Timed out"),
        (Status.WITHDRAWN, None, f"↩ Withdrawn by <@{RAVI}>"),
        (Status.APPROVED, Execution.UNKNOWN, "❓ Unknown"),
    ],
)
def test_the_notice_says_how_it_ended(status, execution, said):
    over = request(status=status, decided_at=NOW, execution=execution)
    text = notices.waiting_over(over)
    assert text.startswith(f"{said}: *Delete file* `reports/q3.csv` · ")
    assert ("unknown whether it happened" in text) is ("Unknown" in said)


def test_a_call_that_failed_reads_alike_outside_its_card():
    over = request(
        status=Status.APPROVED,
        decided_at=NOW,
        execution=Execution.FAILED,
        decisions=(decision(),),
    )
    letter = notices.Letter(over, "outcome", "Ravi", NOW, decider="Mina")
    notice = notices.waiting_over(over)
    assert notice.startswith(f"✅ Approved by <@{MINA}>, but failed: *Delete file*")
    assert notices.subject(letter).startswith("Approved, but failed: Delete file")
    [said] = notices.opening_lines(letter)
    assert "Approved by Mina, but failed, " in said
    link = used_page(MINA, over, {})
    assert "<title>Approved, but failed: Delete file" in link
    assert ">✅ Approved, but failed<" in link


def test_a_tool_name_that_is_no_identifier_is_code():
    odd = request(tool="<!channel> `x`", status=Status.REJECTED)
    for text in (notices.waiting(odd, []), notices.waiting_over(odd)):
        assert "*Run* `&lt;!channel&gt; 'x'`" in text


def test_who_answered_is_told_why_the_graph_refuses_it():
    why = graphs.graph_refuses("count: <3> is\ntoo many.")
    text = clicks.open_again("K7QP", why, is_kept=True)
    assert text.startswith("Request K7QP is open again. The agent's graph doesn't")
    assert "count: &lt;3&gt; is too many. The form still has" in text
    assert clicks.open_again("K7QP", why, is_kept=False).endswith("too many.")


def test_sentences_for_the_agent_hold_the_contracts_words():
    assert "timed out" in agent.TIMED_OUT_FOR_AGENT
    assert "withdrawn" in agent.WITHDRAWN_FOR_AGENT


def test_the_agent_reads_why_it_was_rejected():
    text = agent.rejected_for_agent("too big" * 1_000)
    assert text.startswith(f"{agent.REJECTED}. Reason: too big")
    assert len(text) < 1_300
    assert agent.rejected_for_agent() == f"{agent.REJECTED}. {STOP}"


def test_a_denial_carries_the_why_of_the_policy():
    assert denied("Not from here.").endswith(f"run. Not from here. {STOP}")
    assert "managers" in cards.unfillable("managers")


def test_numbers_and_codes_appear():
    assert "40,000" in conversation.too_long_message(40_000, 12_000)
    assert "12,000" in conversation.too_long_message(40_000, 12_000)
    assert "E42" in conversation.with_code(conversation.AGENT_FAILED, "E42")
    assert "K7QP" in notices.card_could_not_be_posted("K7QP")
    assert RAVI in clicks.withdrawn(RAVI, NOW)
    assert "already decided" in clicks.you_already_decided(NOW)


@pytest.mark.parametrize(
    "module", [agent, cards, clicks, conversation, graphs, notices]
)
def test_every_constant_sentence_ends_like_one(module):
    constants = inspect.getmembers(module, lambda value: isinstance(value, str))
    spoken = [text for name, text in constants if name.isupper() and " " in text]
    spoken = [text for text in spoken if text not in LABELS]
    assert len(spoken) > 1
    assert all(text.endswith((".", ".]", "._", "reports/q3.csv")) for text in spoken)


def test_the_agent_is_told_not_to_try_again():
    told = [
        agent.REPEATED_FOR_AGENT,
        agent.rejected_for_agent(),
        agent.TIMED_OUT_FOR_AGENT,
        agent.WITHDRAWN_FOR_AGENT,
        agent.STOPPED_FOR_AGENT,
        agent.failed_for_agent("KeyError"),
        agent.not_run_for_agent("its approval does not hold"),
        denied(""),
        UNRECORDED,
        RUNNING,
    ]
    assert all("\n" not in text and text.endswith(ORDERS) for text in told)
    assert all("Do not try this again" in order for order in ORDERS)


def test_who_is_called_for_the_next_stage_can_be_nobody():
    text = notices.your_turn(request(), [], "")
    assert text.startswith("No one can decide it at the moment")
    assert "|Open>" not in text


def test_the_list_for_reading_aloud_misses_no_room():
    found = list(sentences())
    listed = {each.file for each in found}
    texts = {name_of(path) for path in ROOT.glob("bot/texts/[a-z]*.py")}
    assert texts | {"agent/phrases/chat.py", "bot/commands/cli.py"} <= listed
    assert clicks.REASON_GIVEN in {each.text for each in found}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (90, "90 seconds"),
        (60, "1 minute"),
        (7_200, "2 hours"),
        (86_400, "1 day"),
    ],
)
def test_a_span_of_time_is_in_its_largest_whole_unit(seconds: int, said: str):
    assert lasting(seconds) == said
    assert clicks.per(1, seconds) == f"once in {said}"


def test_no_class_of_the_code_is_named_to_people():
    named = {
        node.name
        for folder in ("agent", "bot")
        for path in ROOT.glob(f"{folder}/**/*.py")
        for node in nodes_of(path)
        if isinstance(node, ast.ClassDef) and re.search(r"[a-z][A-Z]", node.name)
    }
    spoken = (each for each in sentences() if " " in each.text)
    said = [str(each) for each in spoken if named & {*re.findall(r"\w+", each.text)}]
    assert said == []
