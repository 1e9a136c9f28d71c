"""The API's document and its reading are made from one set of shapes."""

from __future__ import annotations

from bot.approvals.serialize import request_json
from tests.support.request_builder import request


def test_parts_of_a_request_share_no_name_that_is_shown():
    one = request()
    parts = (one, one.call, one.people, one.terms, one.end)
    names = [name for part in parts for name in vars(part)]
    shared = {name for name in names if names.count(name) > 1}
    assert shared == {"id", "note"}
    shown = request_json(one)
    assert (shown["id"], shown["note"]) == (one.id, one.call.note)
