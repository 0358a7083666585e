"""A hive, its page and a browser, together."""

from __future__ import annotations

from pathlib import Path

from beemon.base.clock import CONFIRMED
from tests.hive import Hive, free_port, until
from tests.page import past
from tests.page.browser import Browser
from tests.page.site import PASSWORD, Site

DEVICES = f"""
[microphone.brood]
driver = "simulated"
speed = 20
[microphone.brood.schedule]
interval = "20s"
duration = "10s"
[camera.entrance]
driver = "simulated"
width = 320
height = 240
frame_rate = 10
{past.CONFIG}
"""
"""A simulated hive with all that the page shows."""

LATITUDE = 52.43219


class House:
    """A hive, its page and a browser."""

    def __init__(self, folder: Path, devices: str, days: int = 0, name: str = "test-hive") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        runtime = folder / "archive"  # where a page that is not the package's looks for pictures
        runtime.mkdir()
        (runtime / CONFIRMED).touch()
        page = f'[web]\naddress = "127.0.0.1:{port}"\n'
        self.hive = Hive(folder, page + devices, RUNTIME_DIRECTORY=str(runtime))
        config = self.hive.config.read_text()
        place = f'"{name}"\nlatitude = {LATITUDE}\nlongitude = 13.1'
        self.hive.config.write_text(config.replace('"test-hive"', place))
        if days:
            past.make(self.hive.archive, days)
        self.hive.start()
        self.site = Site(self.hive, port).start()
        self.browser = Browser()

    def enter(self) -> None:
        """Set the first password by the link with the one-time code, which logs in."""
        self.browser.open(f"{self.site.address}#code={self.site.code()}")
        try:
            until(lambda: self.browser.has("button", "Set password"))
        except AssertionError as error:
            error.add_note(f"{self.browser.text('body')!r}, {self.browser.complaints()}")
            raise
        self.browser.run("document.querySelector('[name=password]').value = arguments[0]", PASSWORD)
        self.browser.press("Set password")
        self.drawn()

    def drawn(self) -> None:
        """Wait until every part of the page shows something."""
        until(lambda: self.browser.text("#machine dl"))

    def close(self) -> None:
        self.browser.quit()
        self.site.stop()
        self.hive.stop()
