"""An address that cannot be listened on: the service records all the same, and listens later."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hive import Hive, until

TOKEN = "0123456789abcdef"
SCHEDULED = """
[sensor.brood]
driver = "simulated"
[sensor.brood.schedule]
interval = "1s"
"""


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    hive = Hive(tmp_path, SCHEDULED)
    yield hive
    if hive.process:
        assert "Traceback" not in hive.said()
        assert hive.stop() == 0


def configure(hive: Hive, server: str) -> None:
    hive.write(SCHEDULED)
    text = hive.config.read_text()
    hive.config.write_text(text.replace("[server]", f"[server]\n{server}"))


def is_at_work(hive: Hive) -> bool:
    """Whether a reading is in the archive's ledger."""
    try:
        with sqlite3.connect(f"file:{hive.archive}/ledger.db?mode=ro", uri=True) as ledger:
            return bool(ledger.execute("SELECT count(*) FROM readings").fetchone()[0])
    except sqlite3.OperationalError:
        return False


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("192.0.2.7", "it cannot listen on 192.0.2.7 port"),
        ("::1%lo", "cannot listen"),
        ("hive.invalid", "it cannot listen on hive.invalid port"),
        ("a\\u0000b", r"it cannot listen on a\\x00b port"),
        ("ß" * 70, "that is no address and no name"),
    ],
)
def test_whatever_the_address_is_the_service_records(hive: Hive, host: str, says: str) -> None:
    token = hive.folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o640)
    configure(hive, f'host_address = "{host}"\ntoken_file = "{token}"')
    hive.begin()
    until(lambda: is_at_work(hive), 30)
    until(lambda: says.replace("\\\\", "\\") in hive.said() or "listening" in hive.said(), 30)


def test_a_port_that_becomes_free_is_taken(hive: Hive) -> None:
    with socket.create_server(("127.0.0.1", hive.port)):
        hive.begin()
        until(lambda: is_at_work(hive), 30)
        until(lambda: f"it is in use by process {os.getpid()}" in hive.said())
        assert f"sudo ss -ltnp 'sport = :{hive.port}'" in hive.said()
    until(hive.answers, 30)
    assert hive.troubles() == {}


def absent(token: Path) -> None:
    """There is none."""


def open_to_all(token: Path) -> None:
    token.write_text(TOKEN)
    token.chmod(0o644)


def weak(token: Path) -> None:
    token.write_text("weak")
    token.chmod(0o640)


def no_text(token: Path) -> None:
    token.write_bytes(b"\xff" * 20)
    token.chmod(0o640)


def fifo(token: Path) -> None:
    os.mkfifo(token, 0o640)


def folder(token: Path) -> None:
    token.mkdir()


@pytest.mark.parametrize("spoil", [absent, open_to_all, weak, no_text, fifo, folder])
def test_without_its_token_tcp_is_not_served_until_that_is_mended(
    hive: Hive, spoil: Callable[[Path], None]
) -> None:
    token = hive.folder / "token"
    spoil(token)
    configure(hive, f'token_file = "{token}"')
    hive.begin()
    until(lambda: is_at_work(hive), 30)
    until(lambda: f"it does not listen on 127.0.0.1 port {hive.port}: {token}: " in hive.said())
    with pytest.raises(ConnectionError):
        hive.client()
    if token.is_dir():
        token.rmdir()
    else:
        token.unlink(missing_ok=True)
    fresh = hive.folder / "fresh"
    fresh.write_text(TOKEN)
    fresh.chmod(0o640)
    fresh.rename(token)
    until(lambda: "listening on" in hive.said(), 30)
    with hive.client(token=TOKEN) as client:
        assert client.request("status").payload["troubles"] == []
    with hive.client() as client:
        assert client.request("ping").payload["code"] == "not-authorised"
