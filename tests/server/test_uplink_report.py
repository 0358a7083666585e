"""The uplink's report: another user writes it, and nothing in it may harm the recorder."""

from __future__ import annotations

import os

import pytest

from beemon.base.status import UplinkStatus
from beemon.server.uplink_report import read_report

GOOD = '{"at": "2026-06-01T00:00:00Z", "destinations": {"mqtt": {"state": "working"}}}'


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "beemon"))
    (tmp_path / "beemon-uplink").mkdir()
    return tmp_path / "beemon-uplink/state.json"


def test_it_tells_the_state_of_each_destination(file, tmp_path):
    file.write_text(GOOD)
    assert read_report(tmp_path / "archive", ["mqtt"]).destinations["mqtt"].state == "working"


@pytest.mark.parametrize("content", [
    "", "[]", "5", "null", "{", "[" * 99_999, '{"at": 5}', '{"destinations": []}', "\ud83d",
    " " * 2_000_000 + GOOD,
])
def test_a_wrong_report_is_none(file, tmp_path, content):
    file.write_text(content, errors="surrogatepass")
    assert read_report(tmp_path / "archive", ["mqtt"]) == UplinkStatus()


def test_a_named_pipe_and_a_link_are_no_report(file, tmp_path):
    os.mkfifo(file)
    assert read_report(tmp_path / "archive", ["mqtt"]) == UplinkStatus()
    file.unlink()
    file.symlink_to("/dev/zero")
    assert read_report(tmp_path / "archive", ["mqtt"]) == UplinkStatus()


def test_without_a_destination_there_is_none(file, tmp_path):
    assert read_report(tmp_path / "archive", ["uplink"]) is None
