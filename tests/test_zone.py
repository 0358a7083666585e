"""The machine's time zone, under a root that the test makes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from beemon import zone


@pytest.fixture(autouse=True)
def no_zone_of_the_session(monkeypatch):
    monkeypatch.delenv("TZ", raising=False)


def machine(root, target: str):
    (root / "etc").mkdir()
    (root / "etc/localtime").symlink_to(target)
    return root


@pytest.mark.parametrize("target", [
    "/usr/share/zoneinfo/Europe/Berlin", "../usr/share/zoneinfo/Europe/Berlin",
])
def test_the_zone_has_the_name_of_what_the_machines_link_leads_to(tmp_path, target):
    assert zone.local_name(machine(tmp_path, target)) == "Europe/Berlin"


@pytest.mark.parametrize("target", ["/usr/share/zoneinfo/Mars/Base", "/somewhere/else", "UTC"])
def test_a_link_that_leads_to_no_zone_leaves_the_systems(tmp_path, target):
    assert zone.local_name(machine(tmp_path, target)) == zone.SYSTEM


def test_without_a_link_it_is_the_systems(tmp_path):
    assert zone.local_name(tmp_path) == zone.SYSTEM
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").write_bytes(b"TZif2")
    assert zone.local_name(tmp_path) == zone.SYSTEM


@pytest.mark.parametrize(("given", "name"), [
    ("America/New_York", "America/New_York"), ("CET-1CEST", "system"), ("../etc", "system"),
])
def test_what_the_environment_says_comes_first(tmp_path, monkeypatch, given, name):
    monkeypatch.setenv("TZ", given)
    assert zone.local_name(machine(tmp_path, "/usr/share/zoneinfo/Europe/Berlin")) == name


def test_a_zone_is_found_by_its_name():
    assert zone.named("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    assert zone.named("system") is None
    with pytest.raises(ValueError, match='no time zone "Atlantis" is known here'):
        zone.named("Atlantis")
