"""The OpenAPI document says what the API does: schemathesis tries both."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case

from tests.support.deciding import SANDBOX, asked, request_of
from tests.support.demo import MINA
from tests.support.http_api import TOKENS, Api
from tests.support.outside_agent import SETTINGS as AGENTS
from tests.support.outside_agent import TOKEN
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {**SANDBOX, **AGENTS, "RATE_LIMIT": "off"}
# What fits the shape may still be no word on this request: its arguments are a tool's.
NOT_HERE = ("positive_data_acceptance",)


def headers(path: str) -> dict[str, str]:
    """Of an agent outside where those ask, else of a person."""
    token = TOKEN if path.startswith("/api/requests") else TOKENS[MINA]
    return {"Authorization": f"Bearer {token}"}


def walk(document: dict[str, Any], url: str, approval: str) -> set[str]:
    """Try every operation, with an approval that is there and without."""
    schema = schemathesis.openapi.from_dict(document)
    skipped = [
        c for c in schemathesis.checks.CHECKS.get_all() if c.__name__ in NOT_HERE
    ]
    tried: set[str] = set()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def conforms(case: Case) -> None:
            for name in (None, approval):
                if name and "approvals/{id}" in case.operation.path:
                    case.path_parameters["id"] = name
                response = case.call(
                    base_url=url, headers=headers(case.path), timeout=20
                )
                case.validate_response(response, excluded_checks=skipped)

        conforms()
        tried.add(f"{operation.method.upper()} {operation.path}")
    return tried


async def test_the_api_does_what_its_document_says(shared: Stage):
    card, _ = await asked(shared, "transfer 5 GBP to alice")
    url = shared.bot.url
    document = (await Api(url).send("", "GET", "/api/openapi.json")).body
    tried = await asyncio.to_thread(walk, document, url, request_of(card))
    assert len(tried) == 10
