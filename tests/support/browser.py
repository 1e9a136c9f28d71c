"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

from tests.support.spawn import ROOT

ARTEFACTS = ROOT / "artefacts"  # screenshots of a run, for whoever wants to look
expect.set_options(timeout=20_000)  # milliseconds; a busy machine needs some
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """The path of a Chromium on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def require_chromium() -> str:
    """Its path; without one the tests skip, but in CI that is a failure."""
    path = find_chromium()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail("No Chromium was found, and in CI the browser tests have to run.")
    if path is None:
        pytest.skip("No Chromium was found: apt-get install chromium")
    return path


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[Browser]:
    """A browser with a fresh profile."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser, url: str, *, width: int = 1280, height: int = 850, **options: Any
) -> AsyncIterator[Page]:
    """A new visitor's page; whatever the browser complains about fails the test."""
    size = {"width": width, "height": height}
    context = await browser.new_context(viewport=size, **options)
    context.set_default_timeout(8_000)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: _note(complaints, message))
    try:
        await page.goto(url)
        yield page
    finally:
        await context.close()
    assert complaints == [], complaints


def _note(complaints: list[str], message: ConsoleMessage) -> None:
    # A lost connection is logged by the browser itself; the page tells it to people.
    if message.type == "error" and "ERR_CONNECTION" not in message.text:
        complaints.append(message.text)
