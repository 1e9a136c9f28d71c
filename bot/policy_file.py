"""The policy in force: read at start, and again whenever its file has changed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from bot.approvals.policy import Policy, PolicyError
from bot.approvals.policy.load import parse_content, read_content

log = structlog.get_logger(__name__)


class PolicyFile:
    """Implements `bot.approvals.ports.Policies` over one file.

    Attributes:
        current: the policy in force.
        trouble: one sentence about a changed file that cannot be used; "" if all is
            well. The policy before it stays in force.
    """

    def __init__(self, path: Path) -> None:
        """Read the file; raises PolicyError with every complaint."""
        self._path = path
        content = read_content(path)
        self._seen: bytes | str = content  # or why there was none, the last time
        self.current = parse_content(content)
        self.trouble = ""
        self._tell_open(self.current, None)

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
        before = self.current
        if policy.version == before.version:
            return False
        self.current = policy
        log.info(
            "another policy is in force",
            action="policy_changed",
            version=policy.version,
            before=before.version,
        )
        self._tell_open(policy, before)
        return True

    def _refuse(self, seen: bytes | str, error: PolicyError) -> bool:
        """Keep the policy in force; say once what is wrong with this content."""
        if seen == self._seen:
            return False
        self._seen = seen
        first, *more = map(str, error.complaints)
        others = f" ({len(more)} more in the log)" if more else ""
        kept = f"the policy before it, {self.current.version}, stays in force"
        self.trouble = f"the changed file cannot be used, {kept}: {first}{others}"
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
                    f"whoever joins {channel} may decide as {name}",
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
