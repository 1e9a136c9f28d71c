"""The collection of pytest, made once by the process that forks its workers.

Importing all tests and making 7,500 items costs three to six seconds of CPU. A worker
takes over the items as they are, with its own configuration.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import pytest
from _pytest.config import _prepareconfig
from xdist.remote import setup_config

_collected: list[pytest.Session] = []


class Flaws:
    """Notes whether a collection has anything to report, be it only a skip."""

    found = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.found = self.found or not report.passed

    def pytest_warning_recorded(self) -> None:
        self.found = True


def collect(args: Sequence[str]) -> None:
    """Collect as a worker with these arguments does.

    One that has anything to report is dropped: each worker then makes its own, and
    reports it.
    """
    config, flaws = _prepareconfig([*args, "--capture=no"]), Flaws()
    setup_config(config, None)
    config.pluginmanager.register(flaws)
    session = pytest.Session.from_config(config)
    try:
        config._do_configure()
        config.hook.pytest_sessionstart(session=session)
        config.hook.pytest_collection(session=session)
    except (Exception, SystemExit):
        flaws.found = True
    finally:
        gc.freeze()  # pytest looks for garbage at its end
        config._ensure_unconfigure()
    # runpy warns of a module that it runs and finds imported.
    sys.modules.pop("tests.support.worker", None)
    if not flaws.found:
        _collected.append(session)


def adopt(session: pytest.Session) -> None:
    """Give a worker's session what was collected before the fork, if that is there."""
    if not _collected or not hasattr(session.config, "workerinput"):
        return
    collected, config = _collected.pop(), session.config
    items, manager = collected.items, collected._fixturemanager
    nodes = {node for item in items for node in item.listchain()}
    for node in sorted(nodes, key=lambda node: len(node.nodeid)):
        node.config = config
        add_plugins(node)
    manager.config = config
    session._fixturemanager = manager
    collected.__dict__ = session.__dict__  # one session from here on, by two names
    session.items, session.testscollected = items, len(items)
    session.perform_collect = lambda: config.hook.pytest_collection_finish(
        session=session
    )


def add_plugins(node: pytest.Item | pytest.Collector) -> None:
    """Register what a node brings along with its collection."""
    plugins = node.config.pluginmanager
    if isinstance(node, pytest.Module):
        plugins.consider_module(node.obj)
    if isinstance(node, pytest.Directory):
        plugins._loadconftestmodules(
            node.path,
            node.config.getoption("importmode"),
            rootpath=node.config.rootpath,
            consider_namespace_packages=False,
        )
