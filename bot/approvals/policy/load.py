"""Read a policy file, all that is wrong with it or a policy; again once it changes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import rfc8785
import structlog
from pydantic import ValidationError

from bot.approvals.model import (
    ALLOWED,
    REQUESTER,
    USERS,
    Confirm,
    Escalation,
    Hours,
    Risk,
    Target,
    Times,
    Verdict,
)
from bot.approvals.policy import complaints
from bot.approvals.policy.checks import check_data, check_times, group_sizes, rule_name
from bot.approvals.policy.complaints import Complaint, PolicyError
from bot.approvals.policy.model import (
    ALLOWED_RAW,
    CLAIM_WITHIN,
    Condition,
    Delegation,
    Group,
    Interrupts,
    Policy,
    Requesters,
    Rule,
    RuleEffect,
    StageDemand,
    StandingOffer,
)
from bot.approvals.policy.schema import (
    DefaultsShape,
    DelegationShape,
    EscalateShape,
    GroupShape,
    KnownGroups,
    PolicyShape,
    RuleShape,
    StageShape,
    complaints_of,
    empty_values,
)
from bot.approvals.policy.types import OperatorsShape
from bot.approvals.policy.yaml_text import MAX_BYTES, read_yaml, too_big

log = structlog.get_logger(__name__)


def load_policy(path: Path) -> Policy:
    """Read the policy at `path`; raises PolicyError with every complaint."""
    return parse_content(read_content(path))


def read_content(path: Path) -> bytes:
    """Return the bytes of a policy file; raises PolicyError if it cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise PolicyError([Complaint("", complaints.no_file(path))])
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise PolicyError([Complaint("", complaints.file_missing(path))]) from error
    except OSError as error:
        sentence = complaints.file_unreadable(path, error.strerror)
        raise PolicyError([Complaint("", sentence)]) from error
    return content


def parse_content(content: bytes) -> Policy:
    """Check the bytes of a policy file; raises PolicyError with every complaint."""
    if len(content) > MAX_BYTES:
        raise PolicyError([too_big()])
    return parse_policy(_decoded(content))


def parse_policy(text: str) -> Policy:
    """Check the text of a policy; raises PolicyError with every complaint."""
    data, found = read_yaml(text)
    if data is None and not found:
        raise PolicyError([Complaint("", complaints.EMPTY_FILE)])
    if not isinstance(data, dict):
        raise PolicyError([Complaint("", complaints.no_mapping(data))])
    content = cast("dict[str, Any]", data)
    shape, wrong = _shape(content)
    found += wrong
    said = {complaint.path for complaint in found}
    found += [each for each in empty_values(content) if each.path not in said]
    found += check_data(content)
    found += check_times(shape) if shape else []
    if found or shape is None:
        raise PolicyError(found)
    return build(shape, _version(content))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyError([Complaint(f"line {line}", complaints.NOT_UTF8)]) from error


def _shape(data: Mapping[str, Any]) -> tuple[PolicyShape | None, list[Complaint]]:
    sizes = group_sizes(data)
    context = None if sizes is None else KnownGroups(sizes)
    try:
        return PolicyShape.model_validate(data, context=context), []
    except ValidationError as error:
        return None, complaints_of(error)


def _version(data: Mapping[str, Any]) -> str:
    """Hash the content, so that comments and the order of keys do not count."""
    return hashlib.sha256(rfc8785.dumps(dict(data))).hexdigest()[:12]


class PolicyFile:
    """Implements `bot.approvals.ports.Policies` over one file.

    Attributes:
        trouble: one sentence about a changed file that cannot be used; "" if all is
            well. The policy before it stays in force.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises PolicyError with every complaint."""
        self._path = path
        content = read_content(path)
        self._seen: bytes | str = content  # or why there was none, the last time
        self._filed = parse_content(content)
        self._given: tuple[Delegation, ...] = ()
        self._current = self._filed
        self.trouble = ""
        self._tell_open(self._filed, None)

    @property
    def current(self) -> Policy:
        """The policy in force, with what people have given each other."""
        filed, given = self._filed, self._given
        if not given:
            return filed
        whole, known = (*filed.delegations, *given), self._current
        if known.version != filed.version or known.delegations != whole:
            self._current = replace(filed, delegations=whole)
        return self._current

    async def watch(self) -> None:
        """Look, aside of the event loop: a large file takes a while to be read."""
        await asyncio.to_thread(self.look)

    def look(self) -> bool:
        """Read the file again; True if another policy is in force now.

        The content is compared, not the time of a change: that alone sees a link that
        was turned to another file, and a change within one tick of the disk's clock.
        """
        try:
            content = read_content(self._path)
        except PolicyError as error:
            return self._refuse(str(error), error)
        if content == self._seen:
            return False
        try:
            policy = parse_content(content)
        except PolicyError as error:
            return self._refuse(content, error)
        self._seen, self.trouble = content, ""
        return self._take(policy)

    def _take(self, policy: Policy) -> bool:
        before = self._filed
        if policy.version == before.version:
            return False
        self._filed = policy
        log.info(
            "another policy is in force",
            action="policy_changed",
            version=policy.version,
            before=before.version,
        )
        self._tell_open(policy, before)
        return True

    def give(self, delegations: Sequence[Delegation]) -> None:
        """Put what people have given each other beside the file's own delegations."""
        self._given = tuple(delegations)

    def _refuse(self, seen: bytes | str, error: PolicyError) -> bool:
        """Keep the policy in force; say once what is wrong with this content."""
        if seen == self._seen:
            return False
        self._seen = seen
        first, *more = map(str, error.complaints)
        self.trouble = complaints.change_refused(self.current.version, first, len(more))
        log.error(
            "the changed policy cannot be used, the one before it stays in force",
            action="policy_refused",
            file=str(self._path),
            version=self.current.version,
            complaints=[first, *more],
        )
        return False

    def _tell_open(self, policy: Policy, before: Policy | None) -> None:
        known = _open_groups(before) if before else {}
        for name, channel in _open_groups(policy).items():
            if known.get(name) != channel:
                log.warning(
                    f"anyone who joins {channel} may decide as {name}",
                    action="open_group",
                    group=name,
                    channel=channel,
                )


def _open_groups(policy: Policy) -> dict[str, str]:
    """The groups that a public channel may be: name to channel."""
    prefix = "open_channel:"
    return {
        group.name: group.source.removeprefix(prefix)
        for group in policy.groups.values()
        if group.source.startswith(prefix)
    }


def build(shape: PolicyShape, version: str) -> Policy:
    """Turn the shape of a whole file into a policy."""
    groups = {name: _group(name, group) for name, group in shape.approvers.items()}
    defaults = shape.defaults
    stages = _Stages(groups, defaults)
    return Policy(
        version=version,
        channel=defaults.channel,
        timeout=defaults.timeout,
        groups=groups,
        requesters=Requesters(shape.requesters.members),
        rules=tuple(_rule(rule, i, stages) for i, rule in enumerate(shape.rules)),
        default_stages=stages.of(defaults.stages) if defaults.stages else None,
        interrupts=Interrupts(shape.interrupts.answers, dict(shape.interrupts.levels)),
        delegations=tuple(map(_delegation, shape.delegations)),
        timezone=defaults.timezone,
        reminders=_in_order(defaults.reminders),
        hours=_hours(defaults),
    )


def _group(name: str, shape: GroupShape) -> Group:
    return Group(name, tuple(shape.users), _source(shape), shape.delegable_to)


def _source(shape: GroupShape) -> str:
    if shape.usergroup:
        return f"usergroup:{shape.usergroup}"
    if shape.channel:
        return f"{'open_channel' if shape.open else 'channel'}:{shape.channel}"
    if shape.manager_of_requester:
        return f"manager_of_requester:{shape.manager_of_requester}"
    return USERS


def _delegation(shape: DelegationShape) -> Delegation:
    return Delegation(shape.principal, shape.delegate, shape.until)


def _hours(defaults: DefaultsShape) -> Hours | None:
    hours = defaults.hours
    if hours is None:
        return None
    days = tuple(sorted(hours.days))
    return Hours(days, hours.begin, hours.end, defaults.timezone)


def _in_order(reminders: Iterable[timedelta]) -> tuple[timedelta, ...]:
    return tuple(sorted(reminders))


class _Stages:
    """Makes demands out of stages, with the groups and the defaults of the file."""

    def __init__(self, groups: Mapping[str, Group], defaults: DefaultsShape) -> None:
        self._groups = {**groups, REQUESTER: Group(REQUESTER, (), REQUESTER)}
        self._defaults = defaults

    def of(self, stages: Sequence[StageShape]) -> tuple[StageDemand, ...]:
        return tuple(map(self._demand, stages))

    def _demand(self, stage: StageShape) -> StageDemand:
        group = self._groups[stage.approvers]
        return StageDemand(
            group.name,
            stage.quorum,
            group.users,
            group.source,
            stage.channel or self._defaults.channel,
            self._times(stage),
            tuple(sorted({*stage.notify} - {"slack"})),
        )

    def _times(self, stage: StageShape) -> Times:
        given = stage.reminders or self._defaults.reminders
        escalation = self._escalation(stage.escalate) if stage.escalate else None
        return Times(stage.timeout, _in_order(given), escalation)

    def _escalation(self, shape: EscalateShape) -> Escalation:
        group = self._groups[shape.to]
        target = Target(group.name, group.users, group.source)
        return Escalation(shape.after, (target,))


def _rule(rule: RuleShape, index: int, stages: _Stages) -> Rule:
    usual = ALLOWED_RAW if rule.interrupts else ALLOWED
    return Rule(
        name=rule_name(rule.name, index),
        effect=_effect(rule),
        tools=tuple(rule.tools),
        interrupts=tuple(rule.interrupts),
        stages=stages.of(rule.stages),
        why=rule.why,
        when=tuple(_conditions(rule.when)),
        allow=tuple(v for v in Verdict if v in rule.allow) or usual,
        confirm=Confirm(rule.confirm),
        answers=rule.answers,
        critical=rule.critical,
        links=rule.links,
        title=rule.title,
        risk=Risk(rule.risk),
        asks_reason=rule.reject == "reason",
        agents=None if rule.agents is None else tuple(rule.agents),
        claim_within=rule.claim_within or CLAIM_WITHIN,
        result_within=rule.result_within or CLAIM_WITHIN,
        standing=_standing(rule),
    )


def _standing(rule: RuleShape) -> StandingOffer | None:
    given = rule.standing
    return StandingOffer(given.max, given.uses) if given else None


def _effect(rule: RuleShape) -> RuleEffect:
    if rule.deny:
        return RuleEffect.DENY
    return RuleEffect.WAIVE if rule.approval else RuleEffect.DEMAND


def _conditions(when: Mapping[str, OperatorsShape]) -> Iterable[Condition]:
    for argument, operators in when.items():
        given = operators.model_dump(by_alias=True, exclude_unset=True)
        for name, value in given.items():
            is_list = isinstance(value, list)
            operand = tuple(cast("list[Any]", value)) if is_list else value
            yield Condition(argument, name, operand)
