"""What every reply of the site has in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.web.bodies import MOST_BYTES
from tests.web.site import Browser, options_in, visit


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("127.0.0.1:8081", 200), ("[::1]:8081", 200), ("hive.lan", 200),
        ("apiary.example", 200), ("LOCALHOST.", 200), ("evil.example", 421), ("", 421),
        ("192.0.2.7", 421), ("localhost.evil.example", 421), ("a]b[", 421),
    ],
)
def test_only_the_known_names_are_answered(tmp_path: Path, host: str, status: int) -> None:
    options = options_in(tmp_path, hosts=("hive.lan",), public_url="https://apiary.example/hive")

    async def get(browser: Browser) -> int:
        return (await browser.ask("GET", "/api/session", Host=host)).status

    assert visit(options, get) == status


@pytest.mark.parametrize("path", ["/", "/api/session", "/api/nothing", "/static/icon.svg"])
def test_each_reply_tells_the_browser_to_load_nothing_from_elsewhere(
    tmp_path: Path, path: str
) -> None:
    async def headers(browser: Browser) -> None:
        reply = await browser.ask("GET", path)
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert "unsafe" not in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "no-referrer"

    visit(options_in(tmp_path), headers)


@pytest.mark.parametrize(
    "name", ["../site.py", "..%2fsite.py", "%2e%2e/site.py", "/etc/passwd", "words", "none.js"]
)
def test_nothing_but_the_files_of_the_page_can_be_had(tmp_path: Path, name: str) -> None:
    async def get(browser: Browser) -> int:
        return (await browser.ask("GET", f"/static/{name}")).status

    assert visit(options_in(tmp_path), get) == 404


def test_a_long_body_is_refused(tmp_path: Path) -> None:
    async def post(browser: Browser) -> int:
        reply = await browser.ask("POST", "/api/session", {"password": "x" * (MOST_BYTES + 1)})
        return reply.status

    assert visit(options_in(tmp_path), post) == 413


def test_while_the_service_is_away_the_status_says_since_when(tmp_path: Path) -> None:
    async def look(browser: Browser) -> None:
        await browser.set_password()
        first = await (await browser.ask("GET", "/api/status")).json()
        second = await (await browser.ask("GET", "/api/status")).json()
        assert first["reached"] is False
        assert second["since"] == first["since"]
        assert "systemctl" in first["remedy"]

    visit(options_in(tmp_path), look)
