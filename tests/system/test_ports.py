"""Who holds a port: over a fake /proc, and for a real socket of this process."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from beemon.system import ports

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid inode"
UNKNOWN = "a process that this user may not see"
LISTEN, ESTABLISHED = "0A", "01"


class Proc:
    """A /proc with processes and TCP sockets, as the kernel shows them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables = {"tcp": [HEADER], "tcp6": [HEADER]}
        (root / "net").mkdir()

    def socket(self, port: int, inode: int, state: str = LISTEN, table: str = "tcp") -> Proc:
        address = "0" * (8 if table == "tcp" else 32)
        rows = self.tables[table]
        rows.append(
            f"   {len(rows) - 1}: {address}:{port:04X} {address}:0000 {state} 00000000:00000000"
            f" 00:00000000 00000000  1000        0 {inode} 1 0000000000000000 100 0 0 10 0"
        )
        (self.root / "net" / table).write_text("\n".join(rows) + "\n")
        return self

    def process(self, pid: int, name: bytes | None, *links: str) -> Proc:
        folder = self.root / str(pid)
        (folder / "fd").mkdir(parents=True)
        if name is not None:
            (folder / "comm").write_bytes(name + b"\n")
        for number, link in enumerate(links):
            (folder / "fd" / str(number)).symlink_to(link)
        return self

    def holder(self, port: int) -> str:
        return ports.holder(port, self.root)


@pytest.fixture
def proc(tmp_path) -> Proc:
    return Proc(tmp_path)


def test_the_process_that_listens_is_named(proc):
    proc.socket(8080, 777).process(41, b"bash", "/dev/null")
    proc.process(42, b"nginx", "/dev/null", "pipe:[3]", "socket:[777]")
    assert proc.holder(8080) == "process 42 (nginx)"


def test_a_listener_on_ipv6_is_found_too(proc):
    proc.socket(8080, 9, table="tcp6").process(42, b"caddy", "socket:[9]")
    assert proc.holder(8080) == "process 42 (caddy)"


def test_who_only_talks_over_the_port_does_not_hold_it(proc):
    proc.socket(8080, 5, ESTABLISHED).process(42, b"curl", "socket:[5]")
    assert proc.holder(8080) == UNKNOWN


def test_another_port_is_not_confused_with_it(proc):
    proc.socket(8081, 5).process(42, b"nginx", "socket:[5]")
    assert proc.holder(8080) == UNKNOWN


def test_a_process_of_another_user_is_told_as_such(proc):
    assert proc.socket(8080, 777).process(42, b"bash", "/dev/null").holder(8080) == UNKNOWN


def test_a_process_whose_files_cannot_be_listed_is_passed_over(proc):
    (proc.socket(8080, 777).root / "41").mkdir()
    assert proc.holder(8080) == UNKNOWN


def test_a_process_that_ends_meanwhile_is_told_without_its_name(proc):
    proc.socket(8080, 777)
    assert proc.process(42, None, "socket:[777]").holder(8080) == "process 42"


def test_a_process_cannot_forge_a_line_with_its_name(proc):
    proc.socket(8080, 777).process(42, b"\xff\n\x1b[2Jall well", "socket:[777]")
    assert proc.holder(8080) == r"process 42 (\ufffd\n\x1b[2Jall well)"


def test_a_machine_without_the_tables_tells_nothing(tmp_path):
    assert ports.holder(8080, tmp_path) == UNKNOWN


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_real_listener_is_found(family):
    with socket.socket(family) as listener:
        try:
            listener.bind(("localhost" if family == socket.AF_INET else "::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listener.listen()
        name = Path("/proc/self/comm").read_text().strip()
        found = ports.holder(listener.getsockname()[1])
        assert found == f"process {os.getpid()} ({name})"
