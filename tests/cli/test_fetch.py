"""Recordings through the service: fetched whole, checked, and never over another file."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults import failing_disk
from tests.hive import PATIENCE_SECONDS, Hive, free_port

DEVICES = """
[microphone.a]
driver = "simulated"
speed = 20
[camera.a]
driver = "simulated"
[sensor.a]
driver = "simulated"
"""


@pytest.fixture
def hive(tmp_path):
    with Hive(tmp_path, DEVICES) as hive:
        yield hive


def run(hive: Hive, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    here = hive.folder / "here"
    here.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "beemon", *words, "--config", hive.config],
        capture_output=True, cwd=here, env={**hive.environment, **environment}, check=False,
    )


def test_a_recording_is_fetched_whole_and_replaces_no_file(hive):
    made = hive.do("record microphone.a 4")
    kept = (hive.archive / made["recording"]).read_bytes()
    assert len(kept) > 49152
    done = run(hive, "fetch", str(made["job"]), "-o", "a.flac")
    assert done.returncode == 0, done.stderr
    here = hive.folder / "here"
    assert (here / "a.flac").read_bytes() == kept
    assert os.listdir(here) == ["a.flac"]  # noqa: PTH208
    again = run(hive, "fetch", str(made["job"]), "-o", "a.flac")
    assert again.returncode == 1
    assert b"--force" in again.stderr
    assert run(hive, "fetch", str(made["job"]), "-o", "a.flac", "--force").returncode == 0
    out = run(hive, "fetch", str(made["job"]), "-o", "-")
    assert hashlib.sha256(out.stdout).hexdigest() == made["sha256"]


def test_what_is_not_the_recording_of_the_database_is_not_kept(hive):
    made = hive.do("record microphone.a 2")
    file = hive.archive / made["recording"]
    file.write_bytes(b"x" * file.stat().st_size)
    done = run(hive, "fetch", str(made["job"]), "-o", "a.flac")
    assert done.returncode == 1
    assert b"checksum" in done.stderr
    assert os.listdir(hive.folder / "here") == []  # noqa: PTH208


@pytest.mark.parametrize("job", ["999", "-1"])
def test_a_job_without_a_recording_is_refused(hive, job):
    done = run(hive, "fetch", job)
    assert done.returncode == 1
    assert b"unknown-job" in done.stderr


def test_show_takes_a_picture(hive):
    done = run(hive, "show", "camera.a", "-o", "a.jpg")
    assert done.returncode == 0, done.stderr
    assert b"a.jpg: picture of 640x480 pixels" in done.stdout


def play(hive, folder, script):
    """Play a new sound by a player that notes the name of its file, then runs a script."""
    player = folder / "bin/mpv"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\nfor f; do :; done; echo "$f" > {folder}/played\n{script}\n')
    player.chmod(0o755)
    made = hive.do("record microphone.a 1")
    return run(hive, "play", str(made["job"]), PATH=f"{player.parent}:{os.environ['PATH']}")


def test_play_gives_the_file_to_the_player_and_removes_it(hive, tmp_path):
    done = play(hive, tmp_path, 'test -s "$f"')
    assert done.returncode == 0, done.stderr
    assert not os.path.exists((tmp_path / "played").read_text().strip())  # noqa: PTH110


def test_without_a_player_the_package_is_named(hive):
    done = run(hive, "play", "1", PATH="/nowhere")
    assert done.returncode == 1
    assert b"apt install mpv" in done.stderr


def begin(hive: Hive, *words: str, **options: object) -> subprocess.Popen[bytes]:
    here = hive.folder / "here"
    here.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "beemon", *words, "--config", hive.config],
        cwd=here, env=hive.environment, stderr=subprocess.PIPE, bufsize=0, **options,
    )


def relay(listener: socket.socket, hive: Hive, count: int) -> None:
    """Pass on some requests of one client to the service; hang up at the next, and listen no more.
    """
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb") as lines, listener:
        for _ in range(count):
            request = lines.readline()
            with socket.create_connection(("127.0.0.1", hive.port)) as there:
                there.sendall(request)
                lines.write(there.makefile("rb").readline())
                lines.flush()
        lines.readline()


def listen(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def kill(hive: Hive) -> None:
    hive.process.kill()
    hive.process.wait(PATIENCE_SECONDS)


def test_a_fetch_survives_a_crash_of_the_service(hive):
    made = hive.do("record microphone.a 40")
    assert made["size"] > 6 * 49152  # far more than the pipe and the first pieces hold
    with begin(hive, "fetch", str(made["job"]), "-o", "-", stdout=subprocess.PIPE) as fetch:
        start = fetch.stdout.read(1)
        kill(hive)
        hive.start()
        content, said = fetch.communicate(timeout=PATIENCE_SECONDS)
    assert fetch.returncode == 0, said
    assert hashlib.sha256(start + content).hexdigest() == made["sha256"]


@pytest.mark.parametrize("count", [0, 2])
def test_each_piece_is_asked_for_again_after_a_crash(hive, count):
    made = hive.do("record microphone.a 8")
    port = free_port()
    listener = listen(port)
    with begin(hive, "fetch", str(made["job"]), "-o", "a.flac", "--port", str(port)) as fetch:
        relay(listener, hive, count)
        hive.stop()
        hive.port = port
        hive.write(DEVICES)
        hive.start()
        _, said = fetch.communicate(timeout=PATIENCE_SECONDS)
    assert fetch.returncode == 0, said
    content = (hive.folder / "here" / "a.flac").read_bytes()
    assert hashlib.sha256(content).hexdigest() == made["sha256"]


@pytest.mark.parametrize(("number", "status"), [
    (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129),
])
def test_a_signal_that_ends_it_leaves_no_file(hive, number, status):
    made = hive.do("record microphone.a 8")
    listener = listen()
    port = str(listener.getsockname()[1])
    with begin(hive, "fetch", str(made["job"]), "-o", "a.flac", "--port", port) as fetch:
        relay(listener, hive, 2)
        assert len(os.listdir(hive.folder / "here")) == 1  # noqa: PTH208
        fetch.send_signal(number)
        _, said = fetch.communicate(timeout=PATIENCE_SECONDS)
    assert fetch.returncode == status
    assert said.decode().splitlines() == ["beemon: stopped; the unfinished file was deleted"]
    assert os.listdir(hive.folder / "here") == []  # noqa: PTH208


def test_a_player_that_is_ended_leaves_no_file(hive, tmp_path):
    done = play(hive, tmp_path, "kill $PPID; exec sleep 60 >&- 2>&-")
    assert done.returncode == 143
    assert not Path((tmp_path / "played").read_text().strip()).parent.exists()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_regular_file_is_never_replaced(hive, make):
    made = hive.do("record microphone.a 1")
    here = hive.folder / "here"
    here.mkdir()
    make(here / "a.flac")
    before = (here / "a.flac").lstat()
    for force in ((), ("--force",)):
        done = run(hive, "fetch", str(made["job"]), "-o", "a.flac", *force)
        assert done.returncode == 1
        assert b"a.flac: is no regular file, and is not replaced" in done.stderr
    after = (here / "a.flac").lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert os.listdir(here) == ["a.flac"]  # noqa: PTH208


def test_a_full_disk_leaves_no_file_and_is_told(hive):
    made = hive.do("record microphone.a 8")
    with failing_disk(100_000):
        done = run(hive, "fetch", str(made["job"]), "-o", "a.flac")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == ["beemon: a.flac: File too large"]
    assert os.listdir(hive.folder / "here") == []  # noqa: PTH208


def test_a_full_standard_output_is_told_once(hive):
    made = hive.do("record microphone.a 1")
    with Path("/dev/full").open("wb") as full:
        fetch = begin(hive, "fetch", str(made["job"]), "-o", "-", stdout=full)
    _, said = fetch.communicate(timeout=PATIENCE_SECONDS)
    assert fetch.returncode == 1
    assert said.decode().splitlines() == ["beemon: No space left on device"]


def test_status_is_answered_while_twenty_clients_fetch(hive):
    made = hive.do("record microphone.a 60")
    words = ("fetch", str(made["job"]), "-o", "-")
    fetches = [begin(hive, *words, stdout=subprocess.PIPE) for _ in range(20)]
    starts = [fetch.stdout.read(1) for fetch in fetches]  # all have begun, and wait for a reader
    with ThreadPoolExecutor(20) as threads, hive.client(timeout=2) as client:
        rests = [threads.submit(fetch.communicate) for fetch in fetches]
        asked = 0
        while not all(rest.done() for rest in rests):
            assert client.request("status").ok
            asked += 1
    assert asked > 5
    for fetch, start, rest in zip(fetches, starts, rests, strict=True):
        content, said = rest.result()
        assert fetch.returncode == 0, said
        assert hashlib.sha256(start + content).hexdigest() == made["sha256"]


def test_show_records_a_sound_and_tells_its_level(hive):
    done = run(hive, "show", "microphone.a", "--seconds", "2", "-o", "a.flac")
    assert done.returncode == 0, done.stderr
    assert re.match(r"a\.flac: sound of 2\.0 s, level -\d+\.\d dBFS, \d", done.stdout.decode())
    assert (hive.folder / "here" / "a.flac").read_bytes()[:4] == b"fLaC"


def test_show_of_a_sensor_shows_its_latest_readings(hive):
    before = run(hive, "show", "sensor.a")
    assert before.returncode == 1
    assert b"beemon read sensor.a" in before.stderr
    assert hive.do("read sensor.a")["outcome"] == "done"
    done = run(hive, "show", "sensor.a")
    assert done.returncode == 0, done.stderr
    assert b"temperature" in done.stdout
