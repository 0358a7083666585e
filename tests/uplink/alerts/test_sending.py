"""Sending by the real apprise, to receivers on this machine."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from beemon.uplink.destinations.alerts import sending
from beemon.uplink.destinations.alerts.sending import Address, AddressError, Result, read_addresses
from tests.uplink.alerts.receiver import CUTS, HANGS

needs_apprise = pytest.mark.skipif(
    shutil.which("apprise") is None, reason="sudo apt install apprise"
)
TITLE, BODY = "hive: weight 'below' 20 kg", "40.58 kg at 14:05 · ±0.01\n<b>not</b> *bold* 31.2 °C"


@pytest.mark.process
@needs_apprise
@pytest.mark.parametrize("kind", ["json", "ntfy"])
def test_a_message_arrives_as_it_was_written(receiver, kind):
    sent = sending.send(Address(receiver.url(kind)), TITLE, BODY)
    assert (sent.result, sent.said) == (Result.DELIVERED, "")
    assert receiver.arrived == [(TITLE, BODY)]


@pytest.mark.process
@needs_apprise
def test_a_receiver_that_does_not_answer_may_have_got_the_message(receiver):
    receiver.answers = [HANGS]
    begun = time.monotonic()
    sent = sending.send(Address(receiver.url()), TITLE, BODY)
    assert sent.result is Result.UNKNOWN
    assert time.monotonic() - begun >= 3.9  # the time-out is apprise's own
    assert len(receiver.arrived) == 1


@pytest.mark.process
@needs_apprise
def test_a_child_that_does_not_end_is_killed_at_the_deadline(receiver):
    receiver.answers = [HANGS]
    sent = sending.send(Address(receiver.url()), TITLE, BODY, deadline=2.0)
    assert sent.result is Result.UNKNOWN
    assert "did not end within 2 s" in sent.said


@pytest.mark.process
@needs_apprise
def test_a_connection_that_is_cut_is_unknown(receiver):
    receiver.answers = [CUTS]
    assert sending.send(Address(receiver.url()), TITLE, BODY).result is Result.UNKNOWN


@pytest.mark.process
@needs_apprise
@pytest.mark.parametrize(("url", "said"), [
    ("json://user:secret@127.0.0.1:1/hook", "json cannot be reached; check the network"),
    ("nosuch://secret@host/topic", "does not know the address nosuch://…; check urls_file"),
])
def test_what_cannot_be_sent_is_refused_with_the_reason_and_no_secret(url, said):
    sent = sending.send(Address(url), TITLE, BODY)
    assert sent.result is Result.REFUSED
    assert said in sent.said
    assert "secret" not in sent.said


@pytest.mark.process
@needs_apprise
def test_a_status_is_refused_with_its_number(receiver):
    receiver.answers = [403]
    sent = sending.send(Address(receiver.url()), TITLE, BODY)
    assert (sent.result, sent.said) == (
        Result.REFUSED, "json refused the message (HTTP status 403)"
    )


@pytest.mark.process
@needs_apprise
def test_the_address_is_in_no_argument_of_a_process(receiver):
    receiver.answers = [HANGS]
    seen = []
    address = Address(receiver.url(path="topic-secret"))
    original = receiver.handle

    def look(request):
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = file.read_bytes()
            except OSError:
                continue
            if b"apprise" in text and f"-t\0{TITLE}".encode() in text:
                seen.append(text)
        original(request)

    receiver.handle = look
    sending.send(address, TITLE, BODY, deadline=3.0)
    assert seen
    assert all(b"secret" not in text for text in seen)


def test_without_apprise_the_trouble_names_the_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    sent = sending.send(Address("json://127.0.0.1:1"), TITLE, BODY)
    assert sent.result is Result.REFUSED
    assert "sudo apt install apprise" in sent.said


@pytest.mark.parametrize(("code", "output", "result"), [
    (0, "", Result.DELIVERED),
    (1, "Socket Exception: Read timed out. (read timeout=4.0)", Result.UNKNOWN),
    (1, "Socket Exception: ('Connection aborted.', RemoteDisconnected())", Result.UNKNOWN),
    (1, "ConnectTimeoutError: Connection to x timed out. (connect timeout=4.0)", Result.REFUSED),
    (1, "Failed to send ntfy notification: error=500.", Result.REFUSED),
    (1, "The SMTP server timed out", Result.UNKNOWN),
    (1, "", Result.REFUSED),
    (3, "", Result.REFUSED),
    (-9, "", Result.UNKNOWN),
])
def test_the_result_by_the_exit_code_and_the_reason(code, output, result):
    assert sending.judge(code, output, Address("ntfy://x")).result is result


@pytest.fixture
def file(tmp_path):
    found = tmp_path / "urls"
    found.write_text("# my phone\n\nntfy://topic\n; old\nntfy://topic\njson://127.0.0.1/x\n")
    found.chmod(0o600)
    return found


def test_addresses_are_read_one_a_line_and_each_once(file):
    assert [address.url for address in read_addresses(file)] == [
        "ntfy://topic", "json://127.0.0.1/x"
    ]


def test_an_address_shows_nothing_of_itself(file):
    assert "topic" not in repr(read_addresses(file))


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o622])
def test_a_file_that_others_can_read_or_write_is_refused(file, mode):
    file.chmod(mode)
    with pytest.raises(AddressError, match=r"sudo chown root:beemon .*; sudo chmod 640"):
        read_addresses(file)


@pytest.mark.parametrize(("content", "said"), [
    (b"# nothing\n", "holds no address"), (b"just-a-topic\n", "address 1 in"),
    (b"ntfy://a\nurls:\n", "address 2 in"), (b"\xff\xfe", "not UTF-8"),
])
def test_a_bad_file_says_what_is_wrong_and_shows_no_line_of_it(file, content, said):
    file.write_bytes(content)
    with pytest.raises(AddressError, match=said) as caught:
        read_addresses(file)
    assert "just-a-topic" not in str(caught.value)


def test_a_named_pipe_is_no_file_of_addresses(tmp_path):
    os.mkfifo(tmp_path / "urls", 0o600)
    with pytest.raises(AddressError, match="holds no address"):
        read_addresses(tmp_path / "urls")


def test_a_missing_file_is_named(tmp_path):
    made = f"make it: sudo install -m 640 -g beemon /dev/null {tmp_path / 'none'}"
    with pytest.raises(AddressError, match=made):
        read_addresses(tmp_path / "none")


@pytest.mark.process
@needs_apprise
def test_no_descriptor_is_left_open(receiver):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    sending.send(Address("nosuch://x"), TITLE, BODY)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
