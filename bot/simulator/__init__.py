"""Slack without Slack: for people who try the product, and for its tests."""

from __future__ import annotations

from bot.simulator.app_config import AppConfig, SlashCommand
from bot.simulator.app_delivery import Times
from bot.simulator.interactions import ClickResult
from bot.simulator.people import Channel, ProfileField, User, UserGroup
from bot.simulator.simulator import Simulator, demo_workspace, sample_files, sample_shop
from bot.simulator.web_api import RecordedCall
from bot.simulator.workspace import Workspace

__all__ = [
    "AppConfig",
    "Channel",
    "ClickResult",
    "ProfileField",
    "RecordedCall",
    "Simulator",
    "SlashCommand",
    "Times",
    "User",
    "UserGroup",
    "Workspace",
    "demo_workspace",
    "sample_files",
    "sample_shop",
]
