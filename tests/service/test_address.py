"""Where the service listens: it records without its address, and its socket is always there."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.cli import main as cli
from beemon.protocol import socket_file
from beemon.protocol.client import Client
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
    if hive.process and not hive.log.closed:
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
        ("ß" * 70, "that is neither an address nor a name"),
    ],
)
def test_whatever_the_address_is_the_service_records(hive: Hive, host: str, says: str) -> None:
    token = hive.folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o640)
    configure(hive, f'host_address = "{host}"\ntoken_file = "{token}"')
    hive.begin()
    until(lambda: is_at_work(hive))
    until(lambda: says.replace("\\\\", "\\") in hive.said() or "listening" in hive.said())


def test_a_port_that_becomes_free_is_taken(hive: Hive) -> None:
    with socket.create_server(("127.0.0.1", hive.port)):
        hive.begin()
        until(lambda: is_at_work(hive))
        until(lambda: f"it is in use by process {os.getpid()}" in hive.said())
        assert f"sudo ss -ltnp 'sport = :{hive.port}'" in hive.said()
    until(hive.answers)
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
    until(lambda: is_at_work(hive))
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
    until(lambda: "listening on" in hive.said())
    with hive.client(token=TOKEN) as client:
        assert client.request("status").payload["troubles"] == []
    with hive.client() as client:
        assert client.request("ping").payload["code"] == "not-authorised"


def test_the_socket_says_what_is_wrong_with_the_address_and_takes_commands(hive: Hive) -> None:
    configure(hive, 'token_file = "/none"')
    hive.begin()
    path = hive.archive / socket_file.NAME
    until(path.is_socket)
    with Client(socket_path=path) as client:
        until(lambda: client.request("status").payload["state"] == "degraded")
        (trouble,) = client.request("status").payload["troubles"]
        assert trouble["about"] == "address"
        assert f"it does not listen on 127.0.0.1 port {hive.port}: /none" in trouble["says"]
        assert "man beemon.toml" in trouble["remedy"]
        job = client.request("read").payload["job"]
        assert client.wait(job).payload["origin"] == f"uid {os.getuid()}"


def can_connect(path: Path) -> bool:
    try:
        socket_file.connect(path, 1).close()
    except OSError:
        return False
    return True


def test_the_command_line_uses_the_socket_and_needs_no_token(
    hive: Hive, capsys: pytest.CaptureFixture[str]
) -> None:
    token = hive.folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o640)
    configure(hive, f'token_file = "{token}"')
    hive.begin()
    until(lambda: can_connect(hive.archive / socket_file.NAME))
    token.unlink()
    assert cli.main(["ping", "--config", str(hive.config)]) == 0
    assert capsys.readouterr().err == ""
    (hive.archive / socket_file.NAME).unlink()
    assert cli.main(["ping", "--config", str(hive.config)]) == 1
    said = capsys.readouterr().err
    assert f"{token}: the token cannot be read: No such file or directory" in said
    assert "send `auth TOKEN` first" in said
    assert hive.stop() == 0
    assert not (hive.archive / socket_file.NAME).exists()


def test_a_kill_leaves_a_socket_that_the_next_start_replaces(hive: Hive) -> None:
    hive.start()
    assert hive.process is not None
    hive.process.kill()
    hive.process.wait()
    assert (hive.archive / socket_file.NAME).is_socket()
    hive.start()
    with Client(socket_path=hive.archive / socket_file.NAME) as client:
        assert client.request("ping").ok


def test_config_check_finds_an_address_that_cannot_be_listened_on(
    hive: Hive, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", hive.port)):
        assert cli.main(["config", "check", "--config", str(hive.config)]) == 1
    said = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1 port {hive.port}: it is in use by process" in said
    assert f"sudo ss -ltnp 'sport = :{hive.port}'" in " ".join(said.split())


def test_config_check_takes_no_offence_at_its_own_service(
    hive: Hive, capsys: pytest.CaptureFixture[str]
) -> None:
    hive.start()
    assert cli.main(["config", "check", "--config", str(hive.config)]) == 0
    hive.config.write_text(hive.config.read_text().replace(str(hive.archive), "/srv/another"))
    assert cli.main(["config", "check", "--config", str(hive.config)]) == 0
    other = hive.folder / "other.toml"
    hive.config.rename(other)
    assert cli.main(["config", "check", "--config", str(other)]) == 1
    assert "it is in use by process" in capsys.readouterr().err
