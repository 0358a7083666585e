"""The machine's time zone, under a root that the test makes."""

from __future__ import annotations

import importlib.resources
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from beemon.base import zone
from beemon.base.moments import to_datetime

DATABASE = "/usr/share/zoneinfo"
BERLINS_RULE = "CET-1CEST,M3.5.0,M10.5.0/3"
JULY_US = 1_782_900_000_000_000  # 2026-07-01T10:00:00Z


@pytest.fixture(autouse=True)
def no_zone_of_the_session(monkeypatch):
    monkeypatch.delenv("TZ", raising=False)


@pytest.fixture
def localtime(tmp_path) -> Path:
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc/localtime"


def hour_in_july(found: zone.Local) -> int:
    return to_datetime(JULY_US, found.zone).hour


@pytest.mark.parametrize("target", [f"{DATABASE}/Europe/Berlin", f"..{DATABASE}/Europe/Berlin"])
def test_the_zone_has_the_name_of_what_the_machines_link_leads_to(tmp_path, localtime, target):
    localtime.symlink_to(target)
    assert zone.find_local(tmp_path) == (ZoneInfo("Europe/Berlin"), "", "")


def file_of(name: str) -> bytes:
    """A zone's file, out of the system's database or the package that stands in for it."""
    known = [file for folder in zoneinfo.TZPATH if (file := Path(folder, name)).is_file()]
    stand_in = importlib.resources.files("tzdata").joinpath("zoneinfo", name) if not known else None
    return (stand_in or known[0]).read_bytes()


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_elsewhere_is_read_and_named_by_its_rule(tmp_path, localtime, is_link):
    own = tmp_path / "berlin" if is_link else localtime
    own.write_bytes(file_of("Europe/Berlin"))
    if is_link:
        localtime.symlink_to(own)
    found = zone.find_local(tmp_path)
    assert (str(found.zone), found.trouble, hour_in_july(found)) == (BERLINS_RULE, "", 12)


@pytest.mark.parametrize(("make", "trouble", "remedy"), [
    (lambda file: None, "localtime is missing", "timedatectl set-timezone"),
    (lambda file: file.write_bytes(b"TZif2"), "holds no time zone", "timedatectl set-timezone"),
    (lambda file: file.write_bytes(b""), "holds no time zone", "timedatectl set-timezone"),
    (lambda file: file.mkdir(), "is missing", "timedatectl set-timezone"),
    (lambda file: file.symlink_to(f"{DATABASE}/Mars/Base"), '"Mars/Base"', "apt install tzdata"),
])
def test_a_zone_that_is_not_known_is_utc_and_that_is_told(
    tmp_path, localtime, make, trouble, remedy
):
    make(localtime)
    found = zone.find_local(tmp_path)
    assert found.zone is UTC
    assert trouble in found.trouble
    assert found.trouble.endswith("so local times are UTC")
    assert remedy in found.remedy


@pytest.mark.parametrize(("given", "name", "hour"), [
    ("America/New_York", "America/New_York", 6),
    (":America/New_York", "America/New_York", 6),
    (BERLINS_RULE, BERLINS_RULE, 12),
    ("<+0530>-5:30", "<+0530>-5:30", 15),
    (":/etc/localtime", "Europe/Berlin", 12),
    ("/etc/localtime", "Europe/Berlin", 12),
    ("/zone/tokyo", "JST-9", 19),
    ("", "UTC", 10),
    ("UTC", "UTC", 10),
])
def test_what_the_environment_says_comes_first(
    tmp_path, localtime, monkeypatch, given, name, hour
):
    localtime.symlink_to(f"{DATABASE}/Europe/Berlin")
    (tmp_path / "zone").mkdir()
    (tmp_path / "zone/tokyo").write_bytes(file_of("Asia/Tokyo"))
    monkeypatch.setenv("TZ", given)
    found = zone.find_local(tmp_path)
    assert (str(found.zone), hour_in_july(found), found.trouble) == (name, hour, "")


@pytest.mark.parametrize("given", ["Mars/Base", "../etc", "CET-1CEST", "x", "Europe", "/not/there"])
def test_an_environment_that_says_no_zone_is_told(tmp_path, localtime, monkeypatch, given):
    localtime.symlink_to(f"{DATABASE}/Europe/Berlin")
    monkeypatch.setenv("TZ", given)
    found = zone.find_local(tmp_path)
    assert found.zone is UTC
    assert "so local times are UTC" in found.trouble
    assert found.remedy.startswith("correct TZ")


@pytest.mark.parametrize("name", ["Europe/Berlin", BERLINS_RULE, "UTC", "<-03>3"])
def test_a_zone_is_found_again_by_its_text(name):
    found = zone.named(name)
    assert str(found) == name
    at = datetime(2026, 7, 1, tzinfo=UTC)
    assert at.astimezone(zone.named(str(found))).utcoffset() == at.astimezone(found).utcoffset()


@pytest.mark.parametrize("name", ["Atlantis", "", "a\0b", "/etc/passwd", "Zürich", "x" * 5000])
def test_a_name_that_is_no_zones_is_refused(name):
    with pytest.raises(ValueError, match="no time zone"):
        zone.named(name)


def test_the_system_is_this_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert zone.named(zone.SYSTEM) == ZoneInfo("Asia/Tokyo") == zone.local()
