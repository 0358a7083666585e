"""The README's picture: the top of the page, of a simulated hive with a year behind it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.hive import until
from tests.page.house import DEVICES, House

PICTURE = Path(__file__).resolve().parent.parent / ".github/page.webp"
WIDTH, HEIGHT = 1280, 1640
SCALE = 0.7
MOST_BYTES = 150_000


def main() -> int:
    """Take the picture; its size is printed."""
    with tempfile.TemporaryDirectory() as folder:
        devices = DEVICES.replace("320", "640").replace("240", "480")
        house = House(Path(folder), devices, days=365, name="apiary-7")
        try:
            house.hive.do("read")
            house.hive.do("snapshot camera.entrance")
            house.hive.do("record microphone.brood 5")
            house.enter()
            house.browser.size(WIDTH)
            until(lambda: house.browser.trait(".plot canvas", "width"))
            until(lambda: house.browser.trait("#tile-media img", "naturalWidth"))
            house.browser.picture(PICTURE, HEIGHT, SCALE)
        finally:
            house.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes")
    return 0 if PICTURE.stat().st_size <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
