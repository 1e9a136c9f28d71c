"""Answers of five OpenAI-compatible servers, each in its own shape, whole and streamed.

Each server calls `TOOL` with `ARGUMENTS`, and then says `WORDS`. Those whose model
thinks say `THOUGHT` where that server puts thoughts.

https://platform.openai.com/docs/api-reference/chat-streaming
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
https://docs.vllm.ai/en/latest/features/reasoning_outputs/
https://docs.ollama.com/api/openai-compatibility
https://docs.litellm.ai/docs/reasoning_content
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.model_server import Answer

Json = dict[str, Any]
WORDS, THOUGHT = "Found it.", "The user wants their notes."
TOOL, ARGUMENTS = "read_file", '{"path": "notes.md"}'
HALVES = ARGUMENTS[:9], ARGUMENTS[9:]


@dataclass(frozen=True)
class Shape:
    """A server's manner.

    Attributes:
        head: fields around the choices.
        around: fields of each choice, beside the usual ones.
        thinks: the field of a message or a delta that holds thoughts; "" for none.
        filler: fields of each message and delta that say nothing.
        call_id: of the call; `extra`: what else it has.
        pieces: whether the arguments are streamed in several pieces.
        before, after: chunks without a choice.
    """

    head: Json
    around: Json = field(default_factory=dict[str, Any])
    thinks: str = ""
    filler: Json = field(default_factory=dict[str, Any])
    call_id: str = "call_abc"
    extra: Json = field(default_factory=dict[str, Any])
    pieces: bool = True
    before: tuple[Json, ...] = ()
    after: tuple[Json, ...] = ()

    def whole(self, *, calls: bool) -> Answer:
        """The answer in one piece."""
        message: Json = {"role": "assistant", "content": None if calls else WORDS}
        message |= self.filler | self._thoughts()
        if calls:
            function = {"name": TOOL, "arguments": ARGUMENTS}
            message["tool_calls"] = [self._call() | {"function": function}]
        choice = {"message": message, "finish_reason": _reason(calls=calls)}
        body = self._with(choice, "chat.completion") | {"usage": USAGE}
        return Answer(json.dumps(body).encode())

    def streamed(self, *, calls: bool) -> Answer:
        """The same as server-sent events."""
        deltas: list[Json] = [{"role": "assistant", "content": "", **self._thoughts()}]
        deltas += (
            self._calling() if calls else [{"content": w} for w in ("Found", " it.")]
        )
        chunks = [*self.before]
        for delta in deltas:
            chunks.append(
                self._chunk({"delta": self.filler | delta, "finish_reason": None})
            )
        chunks.append(self._chunk({"delta": {}, "finish_reason": _reason(calls=calls)}))
        chunks += self.after
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        body = "".join([*lines, "data: [DONE]\n\n"]).encode()
        return Answer(body, headers={"Content-Type": "text/event-stream"})

    def _calling(self) -> list[Json]:
        first, *rest = HALVES if self.pieces else [ARGUMENTS]
        begin = self._call() | {
            "index": 0,
            "function": {"name": TOOL, "arguments": first},
        }
        more = [{"index": 0, "function": {"arguments": piece}} for piece in rest]
        return [{"tool_calls": [call]} for call in (begin, *more)]

    def _call(self) -> Json:
        return {"id": self.call_id, "type": "function", **self.extra}

    def _thoughts(self) -> Json:
        return {self.thinks: THOUGHT} if self.thinks else {}

    def _chunk(self, choice: Json) -> Json:
        return self._with(choice, "chat.completion.chunk")

    def _with(self, choice: Json, kind: str) -> Json:
        return {
            **self.head,
            "object": kind,
            "choices": [{"index": 0, **self.around, **choice}],
        }


def _reason(*, calls: bool) -> str:
    return "tool_calls" if calls else "stop"


USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
_HEAD = {"created": 1700000000, "model": "some-model"}
_USED: Json = {
    "object": "chat.completion.chunk",
    **_HEAD,
    "choices": [],
    "usage": USAGE,
}
_NOTHING = {"function_call": None, "refusal": None}

SHAPES = {
    "OpenAI": Shape(
        {**_HEAD, "id": "chatcmpl-A", "service_tier": "default", "usage": None},
        around={"logprobs": None},
        filler={"refusal": None},
        after=({"id": "chatcmpl-A", **_USED},),
    ),
    "Azure": Shape(
        {**_HEAD, "id": "chatcmpl-B", "system_fingerprint": None},
        around={"logprobs": None, "content_filter_results": {}},
        filler=_NOTHING,
        before=(
            {
                "id": "",
                "object": "",
                "created": 0,
                "model": "",
                "choices": [],
                "prompt_filter_results": [
                    {"prompt_index": 0, "content_filter_results": {}}
                ],
            },
        ),
    ),
    "vLLM": Shape(
        {**_HEAD, "id": "chatcmpl-c0ffee", "prompt_logprobs": None},
        around={"stop_reason": None, "logprobs": None},
        thinks="reasoning_content",
        call_id="chatcmpl-tool-0123456789abcdef",
        after=({"id": "chatcmpl-c0ffee", **_USED},),
    ),
    "Ollama": Shape(
        {**_HEAD, "id": "chatcmpl-923", "system_fingerprint": "fp_ollama"},
        thinks="reasoning",
        call_id="call_px63ad04",
        extra={"index": 0},
        pieces=False,
    ),
    "LiteLLM": Shape(
        {**_HEAD, "id": "chatcmpl-D", "system_fingerprint": None},
        thinks="reasoning_content",
        filler={
            "function_call": None,
            "provider_specific_fields": None,
            "thinking_blocks": [{"type": "thinking", "thinking": THOUGHT}],
        },
        call_id="toolu_01A",
    ),
}
