"""Recordings through the service: fetched whole, checked, and never over another file."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tests.hive import Hive

DEVICES = """
[microphone.a]
driver = "simulated"
[camera.a]
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


def test_a_job_without_a_recording_is_refused(hive):
    done = run(hive, "fetch", "999")
    assert done.returncode == 1
    assert b"unknown-job" in done.stderr


def test_show_takes_a_picture(hive):
    done = run(hive, "show", "camera.a", "-o", "a.jpg")
    assert done.returncode == 0, done.stderr
    assert b"a.jpg: picture of 640x480 pixels" in done.stdout


def test_play_gives_the_file_to_the_player_and_removes_it(hive, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    player = programs / "mpv"
    player.write_text(
        f'#!/bin/sh\nfor f; do :; done; echo "$f" > {tmp_path}/played\ntest -s "$f"\n'
    )
    player.chmod(0o755)
    made = hive.do("record microphone.a 1")
    done = run(hive, "play", str(made["job"]), PATH=f"{programs}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert not os.path.exists((tmp_path / "played").read_text().strip())  # noqa: PTH110


def test_without_a_player_the_package_is_named(hive):
    done = run(hive, "play", "1", PATH="/nowhere")
    assert done.returncode == 1
    assert b"apt install mpv" in done.stderr
