"""The ground of the page: Debian's Chromium, driven by selenium, with the page's own libraries."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tests.page.shrunk import vendor_missing

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
AXE = Path(__file__).parents[2] / ".cache/axe.min.js"


def missing() -> str | None:
    """What this machine lacks to look at the page in a browser."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        return "install chromium and chromium-driver"
    lacking = [name for name in ("selenium", "aiohttp") if importlib.util.find_spec(name) is None]
    if lacking:
        return f"pip install {' '.join(lacking)}"
    if vendor_missing() or not AXE.exists():
        return "the libraries of the page are missing: scripts/vendor --tests"
    return None
