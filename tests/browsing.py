"""A real browser for tests of pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")

_PATIENCE_MS = 10_000
_LOOK_EVERY_MS = 20


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


def until(page: Page, function: str, argument: Any = None) -> None:
    """Wait until a JavaScript function says something true.

    It is asked from outside: a page that forbids evaluation cannot be asked to poll.
    """
    for _ in range(_PATIENCE_MS // _LOOK_EVERY_MS):
        if page.evaluate(function, argument):
            return
        page.wait_for_timeout(_LOOK_EVERY_MS)
    raise AssertionError(f"never true: {function}")
