"""The workspace that visitors see: six people, two channels, the bot."""

from __future__ import annotations

import shutil
from pathlib import Path

from bot.simulator.channels import Channel
from bot.simulator.people import User
from bot.simulator.usergroups import ProfileField, UserGroup
from bot.simulator.workspace import Workspace

_MANAGER = ProfileField("Xf0MANAGER", "Manager", "user")
_FILES = Path(__file__).parent / "files"


def demo_workspace() -> Workspace:
    """Return a fresh workspace of which everybody has a direct message with the bot."""
    people = [
        User("U0RAVI0000", "ravi", "Ravi", "requester", email="ravi@simulator.example"),
        User("U0MINA0000", "mina", "Mina", "manager", email="mina@simulator.example"),
        User(
            "U0MAREK000", "marek", "Marek", "manager", email="marek@simulator.example"
        ),
        User("U0DORA0000", "dora", "Dora", "director", email="dora@simulator.example"),
        User("U0FAY00000", "fay", "Fay", "finance", email="fay@simulator.example"),
        User(
            "U0OLAF0000",
            "olaf",
            "Olaf",
            "outsider, in no group",
            email="olaf@simulator.example",
        ),
    ]
    workspace = Workspace(people)
    workspace.profile_fields = [_MANAGER]
    workspace.users["U0RAVI0000"].fields = {_MANAGER.id: "U0MINA0000"}
    finance = UserGroup("S0FINANCE0", "finance", "Finance", ["U0FAY00000"])
    workspace.add_usergroup(finance)
    members = [person.id for person in people]
    for channel_id, name in (("C0GENERAL0", "general"), ("C0APPROVAL", "approvals")):
        everybody = [*members, workspace.bot_user_id]
        workspace.add_channel(Channel(channel_id, name, everybody))
    for member in members:
        workspace.open_dm(member)
    return workspace


def sample_files(target: Path) -> bool:
    """Fill the directory with sample files if it is missing or empty.

    Returns whether it did. A directory that holds anything is left as it is, so a
    file that was deleted stays deleted.
    """
    if target.exists() and any(target.iterdir()):
        return False
    shutil.copytree(_FILES, target, dirs_exist_ok=True)
    return True
