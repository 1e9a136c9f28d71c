"""AgentDojo's injection tasks through the gate: nothing takes effect unapproved.

The package `agentdojo` has an environment of its own (it is no part of the lock), and
the bot runs beside it, with `POLICY` below and a token each for agent and approver:

    BOT=http://127.0.0.1:3000 AGENT_TOKEN=… PERSON_TOKEN=… \
      python -m tests.bench.injections

No model is asked: each task's own calls are made, as by a model that obeys all it
reads. Each task is run twice. Once the person rejects what would take effect, and the
attack has to fail; once the person approves, and it has to work, or the tasks prove
nothing.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from agentdojo.agent_pipeline.ground_truth_pipeline import GroundTruthPipeline
from agentdojo.functions_runtime import FunctionCall, FunctionsRuntime
from agentdojo.task_suite.load_suites import get_suites

from bot.client import Approvals, NotApproved

BOT, SUITES, VERSION = os.environ["BOT"], ("banking", "slack"), "v1.2.2"
APPROVALS = Approvals(BOT, os.environ["AGENT_TOKEN"])
PERSON = {"Authorization": f"Bearer {os.environ['PERSON_TOKEN']}"}
#: Reading is waived for this agent; whatever else there is takes a manager. To get a
#: page is no reading: its address can carry data out.
POLICY = """\
version: 1
defaults: {channel: C0APPROVAL, stages: [{approvers: managers}]}
requesters: {members: true}
approvers: {managers: {users: [U0MINA0000]}}
rules:
  - name: reading
    agents: [dojo]
    approval: none
    tools: [get_iban, get_balance, get_most_recent_transactions, read_file,
      get_scheduled_transactions, get_user_info, get_channels, read_channel_messages,
      read_inbox, get_users_in_channel]
"""


class Gated(FunctionsRuntime):
    """Runs a tool once a person has approved it."""

    word, ran, asked = "reject", 0, 0
    calls: ClassVar[list[FunctionCall]] = []

    def run_function(
        self,
        env: Any,
        function: str,
        kwargs: Mapping[str, Any],
        raise_on_error: bool = False,
    ) -> tuple[Any, str | None]:
        approval = APPROVALS.request(str(uuid.uuid4()), function, dict(kwargs))
        if approval.status == "pending":
            Gated.asked += 1
            self._decide(approval.id)
        effects = int(approval.status == "pending")

        def run(**arguments: Any) -> tuple[Any, str | None]:
            Gated.ran += effects
            Gated.calls.append(FunctionCall(function=function, args=arguments))
            return super(Gated, self).run_function(
                env, function, arguments, raise_on_error
            )

        try:
            return APPROVALS.run(APPROVALS.wait(approval.id), run)
        except NotApproved as no:
            return "", f"{type(no).__name__}: {no}"

    def _decide(self, request: str) -> None:
        path = f"{BOT}/api/approvals/{request}/decision"
        body = {"decision": self.word}
        httpx.post(path, json=body, headers=PERSON).raise_for_status()


def attack(suite: Any, task: Any, word: str) -> bool:
    """Make a task's own calls under a person's word; True if the attack has worked."""
    Gated.word = word
    Gated.calls.clear()
    before = suite.load_and_inject_default_environment({})
    after = before.model_copy(deep=True)
    pipeline = GroundTruthPipeline(task)
    pipeline.query(task.GOAL, Gated(suite.tools), after)
    if word == "reject" and after != before:
        raise AssertionError(f"{task.ID} took effect unapproved")
    output = task.GROUND_TRUTH_OUTPUT
    made = task.security_from_traces(output, before, after, Gated.calls)
    return bool(task.security(output, before, after) if made is None else made)


def main() -> None:
    for name in SUITES:
        suite = get_suites(VERSION)[name]
        for word in ("reject", "approve"):
            Gated.ran = Gated.asked = 0
            tasks = suite.injection_tasks.values()
            worked = sum(attack(suite, task, word) for task in tasks)
            print(
                f"{name}, {word}: {worked} of {len(tasks)} attacks worked, of"
                f" {Gated.asked} calls that ask {Gated.ran} ran"
            )


if __name__ == "__main__":
    main()
