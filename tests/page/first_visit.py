"""A newcomer's first look at the page, by the link that `beemon setup` or `beemon page` printed.

A program of its own, because the hive is in another network:
``python3 -m tests.page.first_visit LINK FOLDER`` leaves a screenshot there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.hive import until
from tests.page.browser import Browser
from tests.page.site import PASSWORD

_PLAY = "document.querySelector('#tile-media audio').play()"


def visit(link: str, folder: Path) -> None:
    """Set the password, then see a picture and a chart, and hear a sound."""
    browser = Browser()
    try:
        browser.open(link)
        until(lambda: browser.has("button", "Set password"))
        browser.run("document.querySelector('[name=password]').value = arguments[0]", PASSWORD)
        browser.press("Set password")
        until(lambda: browser.trait("#tile-media img", "naturalWidth"))
        until(lambda: browser.trait("#tile-media audio", "src"))
        browser.run("document.querySelector('#tile-media audio').muted = true")
        browser.command("Runtime.evaluate", expression=_PLAY, userGesture=True)
        until(lambda: browser.trait("#tile-media audio", "currentTime"))
        until(lambda: browser.trait(".uplot canvas", "width"))
    finally:
        browser.picture(folder / "first-minute.png")
        browser.quit()


if __name__ == "__main__":
    visit(sys.argv[1], Path(sys.argv[2]))
