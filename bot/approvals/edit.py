"""The pure rule for what is typed in: a changed call, an answer, a confirmation."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.approvals import digest
from bot.approvals.assess import risk_of, taken
from bot.approvals.digest import call_digest_of, canonical, grant_digest_of
from bot.approvals.eligibility import (
    PolicyContext,
    live_sources,
    people_now,
    plan_of,
    stages_of,
    with_members,
)
from bot.approvals.json_schemas import complaint_about, misfit
from bot.approvals.model import (
    Action,
    Call,
    Confirm,
    Decision,
    Request,
    Stage,
    Terms,
    Verdict,
)
from bot.approvals.policy import complaints
from bot.approvals.policy.conditions import value_at
from bot.approvals.policy.model import Demanded, Denied
from bot.base.masks import hides, mask_arguments


@dataclass(frozen=True)
class Edit:
    """The effect of an edit on a request.

    Attributes:
        begun: the request with the new call and its chain, not decided by anyone yet.
        request: the same with the editor's word counted.
        own: the editor's stage in the new chain, or -1 if the edit counts for none.
    """

    begun: Request
    request: Request
    own: int

    @property
    def passes(self) -> bool:
        """True if the editor's approval alone passes their stage."""
        stages = self.request.chain.stages
        return self.own >= 0 and stages[self.own].passed_at is not None


@dataclass(frozen=True)
class Flaw:
    """The reason why an edit changes nothing; `detail` as in `Result`."""

    code: str
    detail: str = ""


def plan_edit(request: Request, action: Action, context: PolicyContext) -> Edit | Flaw:
    """Ask the policy again, with the new values.

    The editor's own stage counts as passed by the editor if the new chain has it. It
    does not where the new values ask for a typed confirmation that the old ones did
    not, since nobody has typed anything then, nor where the policy does not offer an
    approval by edit for them.
    """
    arguments = dict(action.arguments or {})
    if flaw := _flaw(request, action, arguments):
        return flaw
    first = request.call.first_arguments
    call = replace(request.call, arguments=arguments, raised_arguments=first)
    new = replace(request, call=call)
    return _asked_anew(request, new, action, context)


def plan_answer(
    request: Request, action: Action, context: PolicyContext
) -> Edit | Flaw:
    """Put an answer to a graph's own question before the chain.

    It can make the graph do anything, so it is approved like a call: the stage of
    the person who answers counts as passed by them, and what was said before about the
    question alone no longer counts.
    """
    value: Any = action.value
    if value is None and request.call.form is None:
        value = action.reason.strip()
        if not value:
            return Flaw("answer_empty")
    form = request.call.form
    if form is not None and (complaint := misfit(form, value)):
        return Flaw("answer_invalid", complaint)
    try:
        text = digest.storable(value)
    except digest.NotCanonical as error:
        return Flaw("answer_invalid", str(error))
    if not is_confirmed(request, action):
        return Flaw("typed_wrong")
    new = replace(request, call=replace(request.call, answer_json=text))
    return _asked_anew(request, new, action, context)


def _asked_anew(
    request: Request, new: Request, action: Action, context: PolicyContext
) -> Edit | Flaw:
    found = plan_of(context.policy, new.call, new.people)
    if isinstance(found, Denied):
        return Flaw("edit_denied", found.why)
    own = request.chain.stages[request.chain.stage_index]
    stages, terms = (_unopened(own),), new.terms
    if isinstance(found, Demanded):
        stages = stages_of(found.stages)
        terms = _terms(terms, found, request.call.schema)
    changed = _changed(new, action, context.policy.version)
    chain = replace(changed.chain, stages=stages)
    changed = with_members(replace(changed, terms=terms, chain=chain), context)
    index = -1
    if _may_count(request, changed, action.verdict):
        index = _index(changed, own, action.person.user, context)
    return _counted(changed, action, index, context)


def _terms(old: Terms, demanded: Demanded, schema: Mapping[str, Any]) -> Terms:
    return replace(
        old,
        rules=demanded.rules,
        why=demanded.why,
        allow=taken(demanded.allow, old.takes),
        confirm=demanded.confirm,
        confirm_argument=demanded.confirm_argument,
        hours=demanded.hours,
        title=demanded.title,
        risk=risk_of(demanded.risk, schema),
        asks_reason=demanded.asks_reason,
    )


def new_sources(request: Request, action: Action, context: PolicyContext) -> set[str]:
    """Live groups that the edited call would need, beyond those of the request."""
    if action.verdict is not Verdict.EDIT or action.arguments is None:
        return set()
    call = replace(request.call, arguments=dict(action.arguments))
    found = plan_of(context.policy, call, request.people)
    stages = found.stages if isinstance(found, Demanded) else ()
    return live_sources(stages, context.policy)


def _flaw(request: Request, action: Action, arguments: dict[str, Any]) -> Flaw | None:
    if action.arguments is None:
        return Flaw("edit_invalid", complaints.NO_ARGUMENTS)
    try:
        text = digest.storable(arguments)
    except digest.NotCanonical as error:
        return Flaw("edit_invalid", str(error))
    if complaint := complaint_about(request.call.schema, arguments):
        return Flaw("edit_invalid", complaint)
    if text == digest.storable(request.call.arguments):
        return Flaw("edit_same")
    if not is_confirmed(request, action, arguments):
        return Flaw("typed_wrong")
    return None


def with_changed_tool(request: Request, schema: Mapping[str, Any]) -> Request | None:
    """The request as it is asked anew when its tool is not what people were shown.

    Returns:
        The same arguments under other digests, not decided by anyone yet; None if the
        tool does not take them any more, or would have others of them masked.
    """
    call = replace(
        request.call, schema=dict(schema), schema_digest=digest.schema_digest(schema)
    )
    if complaint_about(schema, call.arguments) or _seen(call) != _seen(request.call):
        return None
    terms = replace(request.terms, risk=risk_of(request.terms.risk, schema))
    return _renewed(replace(request, call=call, terms=terms))


def _seen(call: Call) -> list[dict[str, Any]]:
    """The arguments as people see them: the schema says which are secret."""
    each = (call.arguments, call.first_arguments)
    return [mask_arguments(arguments, call.schema) for arguments in each]


def _changed(request: Request, action: Action, version: str) -> Request:
    call = replace(request.call, edited_by=action.person.user)
    return _renewed(replace(request, call=call, policy_version=version))


def _renewed(request: Request) -> Request:
    """The request with the digests of what it has become, and nothing decided."""
    chain = request.chain
    call = replace(
        request.call,
        digest=call_digest_of(request),
        grant_digest=grant_digest_of(request),
    )
    voided = (*chain.voided, *chain.decisions)
    return replace(
        request,
        call=call,
        chain=replace(chain, decisions=(), voided=voided),
        place=replace(request.place, token=secrets.token_urlsafe(16)),
    )


def _may_count(old: Request, new: Request, verdict: Verdict) -> bool:
    """Return whether an edit or an answer may count as an approval of its result."""
    before, now = old.terms.confirm, new.terms.confirm
    untyped = now is Confirm.TYPED and before is not Confirm.TYPED
    return not untyped and new.offers(Verdict.APPROVE) and new.offers(verdict)


def _unopened(stage: Stage) -> Stage:
    return replace(
        stage,
        quorum=1,
        opened_at=None,
        reminded_at=None,
        escalated_at=None,
    )


def _index(new: Request, own: Stage, editor: str, context: PolicyContext) -> int:
    """Find the editor's stage in the new chain; -1 if they may not decide it.

    People who had joined a stage by an escalation have not joined the new one yet.
    """
    for index, stage in enumerate(new.chain.stages):
        if stage.approvers == own.approvers:
            return index if editor in people_now(stage, new.people, context) else -1
    return -1


def _counted(
    request: Request, action: Action, own: int, context: PolicyContext
) -> Edit:
    """The editor's word on their own stage, if the new chain has it."""
    if own < 0:
        return Edit(request, request, own)
    word = Decision(
        action.person, action.verdict, own, context.now, action.via, click=action.click
    )
    stages = list(request.chain.stages)
    if stages[own].quorum <= 1:
        stages[own] = replace(stages[own], passed_at=context.now)
    chain = replace(request.chain, decisions=(word,), stages=tuple(stages))
    return Edit(request, replace(request, chain=chain), own)


# --- The value that is typed in before a call is approved -----------------------------


def is_confirmed(
    request: Request, action: Action, arguments: Mapping[str, Any] | None = None
) -> bool:
    """Return whether the value that the request asks for, if any, was typed in.

    Numbers compare as numbers, and may have commas between thousands.

    Args:
        arguments: those of an edit; else the request's own.
    """
    if request.terms.confirm is not Confirm.TYPED:
        return True
    wanted = typed_value(request, arguments)
    given = action.typed.strip()
    return bool(given) and (given == wanted.strip() or _same_number(given, wanted))


def typed_value(request: Request, arguments: Mapping[str, Any] | None = None) -> str:
    """Return the text to type in: an argument's value, or the request's short code."""
    found = typed_argument(request, arguments)
    return request.code if found is None else found


def typed_argument(
    request: Request, arguments: Mapping[str, Any] | None = None
) -> str | None:
    """The argument's value as text; None where the code is asked for instead.

    That is where no argument is named, where its value is none that people type in,
    and where it is a secret, which people never see.
    """
    given = request.call.arguments if arguments is None else arguments
    path = request.terms.confirm_argument
    if not path or hides(given, request.call.schema, path):
        return None
    value = value_at(given, path)
    if isinstance(value, str) and value.strip():
        return value
    return canonical(value) if isinstance(value, (bool, int, float)) else None


def _same_number(given: str, wanted: str) -> bool:
    try:
        return Decimal(given.replace(",", "")) == Decimal(wanted)
    except InvalidOperation:
        return False
