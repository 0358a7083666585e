"""The page behind a proxy, and with a certificate of its own."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from beemon.setup.page import fingerprint, make_certificate
from beemon.web.backoff import FREE_GUESSES
from beemon.web.door import Door
from beemon.web.passwords import Password
from tests.web.attacker import Attacker, attack, request
from tests.web.site import PASSWORD, Browser, options_in, visit

PUBLIC = "https://apiary.example/hives/seven"


def logged_in(folder: Path, headers: dict[str, str], **options: object) -> tuple[str, str]:
    """The path and the flag Secure of the cookie that a log-in sets."""
    Password(folder).set(PASSWORD)

    async def log_in(browser: Browser) -> str:
        reply = await browser.ask("POST", "/api/session", {"password": PASSWORD}, **headers)
        assert reply.status == 200
        return reply.headers["Set-Cookie"]

    cookie = SimpleCookie(visit(options_in(folder, **options), log_in))["beemon"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    return cookie["path"], cookie["secure"]


@pytest.mark.parametrize(
    ("headers", "trusted", "expected"),
    [
        ({}, ("127.0.0.1",), ("/", "")),
        ({"X_Forwarded_Proto": "https"}, (), ("/", "")),
        ({"X_Forwarded_Proto": "https"}, ("127.0.0.1",), ("/", True)),
        ({"X_Forwarded_Proto": "https", "Host": "apiary.example"}, ("127.0.0.1",),
         ("/hives/seven/", True)),
    ],
)
def test_a_cookie_is_for_the_address_that_the_browser_used(
    tmp_path: Path, headers: dict[str, str], trusted: tuple[str, ...],
    expected: tuple[str, object],
) -> None:
    assert logged_in(
        tmp_path, headers, trusted_proxies=trusted, public_url=PUBLIC
    ) == expected


@pytest.mark.parametrize(("trusted", "last"), [(("127.0.0.1",), 403), ((), 429)])
def test_guesses_count_for_the_client_that_a_trusted_proxy_names(
    tmp_path: Path, trusted: tuple[str, ...], last: int
) -> None:
    Password(tmp_path).set(PASSWORD)

    async def guess(browser: Browser) -> int:
        for number in range(FREE_GUESSES + 1):
            reply = await browser.ask("POST", "/api/session", {"password": "a guess"},
                                      X_Forwarded_For=f"10.0.0.9, 10.0.0.{number}")
        return reply.status

    assert visit(options_in(tmp_path, trusted_proxies=trusted), guess) == last


def test_the_page_needs_no_path_of_its_own() -> None:
    root = Path("beemon/web/static")
    for file in (*root.glob("*.html"), *root.glob("*.js"), *root.glob("*.css")):
        text = file.read_text("utf-8")
        for absolute in ('"/api', "'/api", "`/api", 'href="/', 'src="/', "url(/", '"/static'):
            assert absolute not in text, (file.name, absolute)


def contexts(folder: Path) -> tuple[Path, ssl.SSLContext, ssl.SSLContext]:
    """A new certificate, with the TLS of a page and of a client that trusts it."""
    certificate, key = make_certificate(folder / "state")
    assert key.stat().st_mode & 0o777 == 0o600
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    client.check_hostname = False
    return certificate, server, client


@pytest.mark.process
def test_it_speaks_tls_with_the_certificate_whose_fingerprint_is_shown(tmp_path: Path) -> None:
    certificate, server, client = contexts(tmp_path)

    async def ask(attacker: Attacker) -> None:
        reader, writer = await attacker.connect(client)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        assert fingerprint(certificate) == _fingerprint(shown)
        writer.write(request("/api/session"))
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        assert b"200 OK" not in await attacker.say(request("/api/session"))  # without TLS

    attack(options_in(tmp_path), ask, tls=server)


@pytest.mark.process
def test_clients_that_never_begin_tls_have_to_make_room(tmp_path: Path) -> None:
    _, server, client = contexts(tmp_path)

    async def crowd(attacker: Attacker) -> None:
        for _ in range(30):
            await attacker.connect()
        assert (await attacker.say(request("/"), client)).startswith(b"HTTP/1.1 200 ")
        assert attacker.site.door.count <= 10

    attack(options_in(tmp_path), crowd, Door(most=10), server)


@pytest.mark.process
def test_clients_that_leave_by_tls_in_the_midst_of_a_file_are_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, server, client = contexts(tmp_path)

    async def leave(attacker: Attacker) -> None:
        for wait in (0.0, 0.05, 0.2):
            reader, writer = await attacker.connect(client)
            writer.write(request("/static/charts.js", Connection="keep-alive") * 400)
            await reader.readline()
            await asyncio.sleep(wait)
            writer.transport.abort()
        await attacker.empty()

    attack(options_in(tmp_path), leave, tls=server)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def _fingerprint(certificate: bytes) -> str:
    return hashlib.sha256(certificate).digest().hex(":").upper()


def test_an_entry_that_a_client_forges_is_not_its_address(tmp_path: Path) -> None:
    """Some proxies add a header of their own after that of the client."""
    Password(tmp_path).set(PASSWORD)

    async def guess(browser: Browser) -> list[int]:
        found = []
        for number in range(FREE_GUESSES + 1):
            reply = await browser.client.post("/api/session", json={"password": "wrong"}, headers=[
                ("X-Forwarded-For", f"10.9.9.{number}"), ("X-Forwarded-For", "10.0.0.9"),
            ])
            found.append(reply.status)
        return found

    options = options_in(tmp_path, trusted_proxies=("127.0.0.1",))
    assert visit(options, guess) == [403] * FREE_GUESSES + [429]


@pytest.mark.process
def test_root_follows_no_link_in_the_folder_of_the_page(tmp_path: Path) -> None:
    """Its files are written by root, in a folder of the page's user."""
    state, other = tmp_path / "state", tmp_path / "other"
    state.mkdir()
    other.write_text("of somebody else")
    for name in ("page.crt", "page.key"):
        (state / name).symlink_to(tmp_path / "none")
    (state / "password").symlink_to(other)
    certificate, key = make_certificate(state)
    Password(state).set(PASSWORD)
    assert not any(file.is_symlink() for file in (certificate, key, state / "password"))
    assert key.stat().st_mode & 0o777 == 0o600
    assert other.read_text() == "of somebody else"
    assert not (tmp_path / "none").exists()
