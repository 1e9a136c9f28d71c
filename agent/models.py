"""The chat model: any OpenAI-compatible server, or the offline model."""

from __future__ import annotations

import sys

from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel

from agent.offline import OfflineModel


def make_model(
    *,
    api_key: str | None,
    base_url: str | None,
    model: str | None,
    timeout: float = 60,
    max_retries: int = 2,
) -> BaseChatModel:
    """Make the chat model; the offline one when there is no key.

    Args:
        api_key: the server's key; empty or None for the offline model.
        base_url: address of an OpenAI-compatible server; OpenAI's own when empty.
        model: the model's name there; a default when empty.
        timeout: seconds for one attempt; without it the client waits for minutes.
        max_retries: attempts after the first.
    """
    if not api_key:
        return OfflineModel()
    # Its client costs half a second and 50 MB, which the offline model does without.
    from agent.openai_model import make_openai_model

    return make_openai_model(
        api_key=api_key,
        base_url=base_url,
        model=model,
        timeout=timeout,
        max_retries=max_retries,
    )


def is_too_long(exc: BaseException) -> bool:
    """Whether a model has refused a history because of its length."""
    if isinstance(exc, ContextOverflowError):
        return True
    if "agent.openai_model" not in sys.modules:
        return False
    from agent.openai_model import is_overflow

    return is_overflow(exc)


def explain_model_error(exc: BaseException) -> str | None:
    """Say in one sentence for people what went wrong with the model; no secrets.

    None where the error is not the model's.
    """
    if "agent.openai_model" not in sys.modules:
        return None
    from agent.openai_model import explain

    return explain(exc)
