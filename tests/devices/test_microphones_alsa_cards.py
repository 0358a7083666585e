"""Which sound cards there are, and at which USB port, by a sysfs that the test makes."""

from __future__ import annotations

import pytest

from beemon.devices._base import DeviceMissingError
from beemon.devices.microphones.alsa.cards import Card, card_at, cards, there_are
from tests.devices.sound_cards import SoundCards


@pytest.fixture
def sysfs(tmp_path):
    return SoundCards(tmp_path / "sys")


def test_cards_are_listed_by_number_with_id_and_port(sysfs):
    sysfs.plug(10, "Device_1", "1-1.4.2")
    sysfs.plug(2, "Device", "3-1")
    sysfs.plug(0, "sndrpigooglevoi")
    assert cards(sysfs.folder) == [
        Card("sndrpigooglevoi", None),
        Card("Device", "usb-0000:01:00.0-1"),
        Card("Device_1", "usb-0000:01:00.0-1.4.2"),
    ]


def test_two_of_a_make_are_told_apart_by_their_ports(sysfs):
    sysfs.plug(0, "Device", "1-1.2")
    sysfs.plug(1, "Device_1", "1-1.3")
    assert card_at("usb-0000:01:00.0-1.3", sysfs.folder).id == "Device_1"
    sysfs.unplug(0)
    sysfs.unplug(1)
    sysfs.plug(0, "Device", "1-1.3")
    sysfs.plug(1, "Device_1", "1-1.2")
    assert card_at("usb-0000:01:00.0-1.3", sysfs.folder).id == "Device"


def test_the_port_before_another_is_not_that_other(sysfs):
    sysfs.plug(0, "Device", "1-1.2.1")
    with pytest.raises(DeviceMissingError, match=r"no sound card at usb-0000:01:00\.0-1\.2;"):
        card_at("usb-0000:01:00.0-1.2", sysfs.folder)


def test_a_card_that_goes_while_it_is_looked_at_is_not_there(sysfs):
    sysfs.plug(0, "Device", "1-1.2")
    (sysfs.folder / "class/sound/card0/id").unlink()
    assert cards(sysfs.folder) == []


def test_without_any_that_is_said(tmp_path):
    assert there_are(cards(tmp_path)) == "there are: none"
