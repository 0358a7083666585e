"""The Unix socket: where it is, who replaces it, and who is at its other end."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from beemon.protocol import socket_file, unix
from beemon.protocol.address import AddressError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / socket_file.NAME


def test_systemd_says_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/beemon:/run/other")
    assert unix.path_for(tmp_path) == Path(socket_file.PACKAGED)
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    assert unix.path_for(tmp_path) == tmp_path / "beemon.sock"


@pytest.mark.parametrize(("folder", "mode"), [("/run/beemon", 0o660), ("", 0o600)])
@pytest.mark.parametrize("umask", [0, 0o027, 0o077])
def test_who_may_use_it_is_said_by_its_mode_whatever_the_umask(
    path, monkeypatch, folder, mode, umask
):
    monkeypatch.setenv("RUNTIME_DIRECTORY", folder)
    before = os.umask(umask)
    try:
        unix.listen(path).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_client_is_told_by_its_user(path):
    with unix.listen(path) as listener, socket_file.connect(path, 10):
        connection, who = unix.accept(listener)
        connection.close()
    assert who == (f"uid {os.getuid()}", 0)
    assert unix.is_peer(who)
    assert not unix.is_peer(("127.0.0.1", 40000))


def test_a_path_may_be_of_any_length(tmp_path):
    folder = tmp_path / ("x" * 200) / ("y" * 200)
    folder.mkdir(parents=True)
    path = folder / socket_file.NAME
    with unix.listen(path) as listener, socket_file.connect(path, 10):
        unix.accept(listener)[0].close()


def test_the_socket_of_a_service_that_has_ended_is_replaced(path):
    unix.listen(path).close()
    assert path.is_socket()
    with unix.listen(path) as listener, socket_file.connect(path, 10):
        unix.accept(listener)[0].close()


@pytest.mark.parametrize("waiting", [0, 3], ids=["idle", "full"])
def test_the_socket_of_a_service_that_lives_is_never_taken(path, waiting):
    with unix.listen(path) as listener:
        listener.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(waiting)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(AddressError, match="another service listens on it") as told:
            unix.listen(path)
        with pytest.raises(OSError, match="another service"):
            unix.remove(path)
        assert "sudo systemctl stop beemon" in told.value.remedy
        assert path.is_socket()
        for client in clients:
            client.close()


def test_a_file_that_is_no_socket_is_left_alone_and_told(path):
    path.write_text("a poem")
    with pytest.raises(AddressError, match="another file has that name") as told:
        unix.listen(path)
    assert told.value.remedy == f"remove it: sudo rm {path}"
    assert path.read_text() == "a poem"


def test_a_folder_that_is_not_there_is_told(path):
    with pytest.raises(AddressError, match=f"cannot listen on {path.parent}/none/beemon.sock: No "):
        unix.listen(path.parent / "none" / socket_file.NAME)
    with pytest.raises(FileNotFoundError):
        socket_file.connect(path, 10)


def test_it_is_removed_when_its_service_has_ended(path):
    unix.listen(path).close()
    unix.remove(path)
    assert not path.exists()
    unix.remove(path)
