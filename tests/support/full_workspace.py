"""A workspace with all kinds of people, and a policy that names each of them."""

from __future__ import annotations

from bot.simulator import Workspace, demo_workspace
from bot.simulator.people import User
from tests.support.demo import APPROVALS, DORA, GENERAL, MAREK, MINA
from tests.support.policies import files_policy

GUEST, LONE_GUEST = "U0GUEST000", "U0LONEGST0"
GONE, STRANGER, ROBOT = "U0GONE0000", "U0STRANGE0", "U0ROBOT000"
# Full members who do nothing but what one test asks of them, so that the bot has not
# looked them up before.
IDA, IVO, INA, IRA = "U0IDA00000", "U0IVO00000", "U0INA00000", "U0IRA00000"
MANAGERS = (MINA, MAREK, DORA)
POLICY_WITH_ALL = files_policy(
    managers=(*MANAGERS, GUEST, LONE_GUEST, GONE, STRANGER, ROBOT, IDA, IVO, INA, IRA)
)


def full_workspace() -> Workspace:
    """The demo's people, and everybody who may neither ask nor decide."""
    workspace = demo_workspace()
    people = [
        User(GUEST, "gerd", "Gerd", "guest", is_restricted=True),
        User(
            LONE_GUEST,
            "gitta",
            "Gitta",
            "guest of one channel",
            is_restricted=True,
            is_ultra_restricted=True,
        ),
        User(GONE, "gone", "Gone", "deactivated", deleted=True),
        User(
            STRANGER,
            "stan",
            "Stan",
            "of another company",
            team_id="T0OTHERONE",
            is_stranger=True,
        ),
        User(ROBOT, "robot", "Robot", "another bot", is_bot=True, bot_id="B0ROBOT000"),
        User(IDA, "ida", "Ida"),
        User(IVO, "ivo", "Ivo"),
        User(INA, "ina", "Ina"),
        User(IRA, "ira", "Ira"),
    ]
    for person in people:
        workspace.add_user(person)
        for channel in (GENERAL, APPROVALS):
            workspace.channels[channel].members.append(person.id)
    return workspace
