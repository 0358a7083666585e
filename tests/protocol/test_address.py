"""The TCP address: what can be listened on, and what is said of one that cannot."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from beemon.protocol.address import AddressError, listen


def has_hosts() -> bool:
    """Whether this machine knows its own name, as a bare Debian does not."""
    try:
        return bool(socket.getaddrinfo("localhost", 0))
    except socket.gaierror:
        return False


@pytest.mark.parametrize("host", [
    "127.0.0.1", "", "0.0.0.0",
    pytest.param("localhost", marks=pytest.mark.skipif(not has_hosts(), reason="no /etc/hosts")),
])
def test_an_address_of_this_machine_can_be_listened_on(host):
    with listen(host, 0) as listener:
        assert listener.family == socket.AF_INET
        socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=10).close()


def test_a_port_that_somebody_holds_names_the_holder_and_the_command_that_finds_it():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressError, match=rf"it is in use by process {os.getpid()} ") as told:
            listen("127.0.0.1", port)
    assert told.value.errno == errno.EADDRINUSE
    assert f"sudo ss -ltnp 'sport = :{port}'; stop it, or set another" in told.value.remedy


def test_an_address_of_another_machine_says_where_to_look():
    with pytest.raises(AddressError, match=r"cannot listen on 192\.0\.2\.7 port 1: Cannot") as told:
        listen("192.0.2.7", 1)
    assert told.value.remedy.startswith("list the addresses of this machine: ip address; ")


@pytest.mark.parametrize(
    "host",
    ["::1%lo", "hive.invalid", "127.0.0.1\0", "ß" * 70, "a" * 300, ".", "300.1.1.1", "::1::", " ",
     "\n", "[::1]", "fe80::1", "http://127.0.0.1", "*", "127.0.0.1:8080", "127.0.0.1/8"],
)
def test_whatever_the_host_is_it_is_listened_on_or_told_on_one_line(host):
    error = None
    try:
        listen(host, 0).close()
    except AddressError as raised:
        error = raised
    assert error is None or (str(error).isprintable() and error.remedy)
