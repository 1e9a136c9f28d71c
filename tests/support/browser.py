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
    Error,
    Page,
    async_playwright,
    expect,
)

from tests.support.root import ROOT

PICTURES = ROOT / "artefacts"  # where PICTURES=yes leaves screenshots, to look at
NOBODY = "about:blank#nobody"
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
    # one process for the pages of all tests: a new one costs more than a visit
    "--process-per-site",
    "--renderer-process-limit=1",
    "--disable-site-isolation-trials",
]


def find_chromium() -> str | None:
    """The path of a Chromium on this machine."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
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


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page, if pictures are wanted: they take half a minute."""
    if os.environ.get("PICTURES"):
        await page.screenshot(path=PICTURES / f"{name}.png")


@asynccontextmanager
async def visit(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    height: int = 850,
    own: bool = False,
    **options: Any,
) -> AsyncIterator[Page]:
    """A new visitor's page; whatever the browser complains about fails the test.

    Args:
        own: nobody comes after them; for a test that changes the page for good.
        options: of `browser.new_context`.
    """
    own = own or bool(options)
    page = await (_fresh_page(browser, options) if own else _page(browser))
    await page.set_viewport_size({"width": width, "height": height})
    complaints: list[str] = []

    def complain(error: Error) -> None:
        complaints.append(str(error))

    def note(message: ConsoleMessage) -> None:
        # The browser itself logs a lost connection; the page tells it to people.
        if message.type == "error" and "ERR_CONNECTION" not in message.text:
            complaints.append(message.text)

    page.on("pageerror", complain)
    page.on("console", note)
    left_well = False
    try:
        await page.goto(url)
        yield page
        left_well = True
    finally:
        page.remove_listener("pageerror", complain)
        page.remove_listener("console", note)
        if left_well and not own:
            await _forget_visitor(page)
        else:
            await page.context.close()
    assert complaints == [], complaints


async def _page(browser: Browser) -> Page:
    """A page that nobody is at any more: a new process costs more than the visit."""
    for context in browser.contexts:
        for page in context.pages:
            if page.url == NOBODY:
                return page
    return await _fresh_page(browser, {})


async def _fresh_page(browser: Browser, options: dict[str, Any]) -> Page:
    context = await browser.new_context(**options)
    context.set_default_timeout(20_000)
    return await context.new_page()


async def _forget_visitor(page: Page) -> None:
    await page.evaluate("localStorage.clear(); sessionStorage.clear()")
    await page.context.clear_cookies()
    await page.emulate_media(color_scheme="null")
    await page.goto(NOBODY)
