"""USB devices in a sysfs that the test makes: which one it is, and how it is bound anew."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError
from beemon.devices._usb import bind_anew, device_of, let_back
from tests.devices.sound_cards import SoundCards

PLUG = "devices/pci0000:00/0000:01:00.0/usb1/1-1"


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """A USB camera in a hub, and a camera that is soldered on."""
    usb = tmp_path / PLUG / "1-1.2"
    for folder, kind in ((usb.parent, "09"), (usb, "ef")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "idVendor").write_text("046d\n")
        (folder / "bDeviceClass").write_text(f"{kind}\n")
        (folder / "authorized").write_text("1\n")
    for name, device in (("video0", usb / "1-1.2:1.0"), ("video1", tmp_path / "devices/soc")):
        device.mkdir(parents=True)
        node = tmp_path / "class/video4linux" / name
        node.mkdir(parents=True)
        (node / "device").symlink_to(device)
    (tmp_path / "bus/usb/devices").mkdir(parents=True)
    (tmp_path / "bus/usb/devices/1-1.2").symlink_to(usb)
    return tmp_path


def device(sysfs: Path, node: str) -> Path | None:
    return device_of(sysfs / "class/video4linux" / node)


def test_it_is_the_first_usb_device_above_the_interface(sysfs):
    assert device(sysfs, "video0") == sysfs / PLUG / "1-1.2"


def test_what_is_soldered_on_or_not_there_is_none(sysfs):
    assert device(sysfs, "video1") is None
    assert device(sysfs, "video7") is None


def test_a_hub_is_never_taken_for_it(sysfs):
    (sysfs / PLUG / "1-1.2/idVendor").unlink()
    assert device(sysfs, "video0") is None


def test_its_drivers_are_taken_away_and_it_is_found_again(sysfs):
    usb = sysfs / PLUG / "1-1.2"
    looks = iter([usb, None, usb])  # it is not yet back at the second look
    switch = usb / "authorized"
    switch.unlink()
    os.mkfifo(switch)
    with ThreadPoolExecutor() as kernel:
        written = kernel.submit(lambda: [switch.read_text(), switch.read_text()])
        assert bind_anew(lambda: next(looks), away_seconds=0.05) == "1-1.2"
        assert written.result(5) == ["0", "1"]
    assert (usb.parent / "authorized").read_text() == "1\n"


def test_where_there_is_none_nothing_is_done(sysfs):
    assert bind_anew(lambda: None) is None


def test_one_that_does_not_come_back_is_told_of(sysfs):
    found = iter([sysfs / PLUG / "1-1.2"])
    with pytest.raises(DeviceError, match=r"1-1\.2 did not reappear within 0\.2 s"):
        bind_anew(lambda: next(found, None), away_seconds=0.0, back_seconds=0.2)
    assert (sysfs / PLUG / "1-1.2/authorized").read_text() == "1"


def test_a_switch_that_is_not_there_is_an_error_that_names_it(sysfs):
    (sysfs / PLUG / "1-1.2/authorized").unlink()
    (sysfs / PLUG / "1-1.2/authorized").mkdir()
    with pytest.raises(DeviceError, match="authorized: Is a directory"):
        bind_anew(lambda: device(sysfs, "video0"))


@pytest.mark.parametrize(("mode", "after"), [(0o664, "1"), (0o644, "0")])
def test_only_what_the_service_may_switch_is_let_back(sysfs, mode, after):
    switch = sysfs / PLUG / "1-1.2/authorized"
    switch.write_text("0")
    switch.chmod(mode)
    let_back(sysfs)
    assert switch.read_text() == after


@pytest.mark.parametrize("card", ["CARD=Device", "usb-0000:01:00.0-1.2,DEV=1"])
def test_a_sound_card_is_found_by_its_id_and_by_its_port(tmp_path, card):
    cards = SoundCards(tmp_path)
    cards.plug(0, "sndrpigooglevoi")
    cards.plug(1, "Device", "1-1.2")
    (usb,) = tmp_path.rglob("1-1.2")
    (usb / "idVendor").write_text("0d8c\n")
    (usb / "bDeviceClass").write_text("00\n")
    table = {"driver": "alsa", "card": card, "sysfs": str(tmp_path)}
    assert load("microphone", "microphone.m", table).usb() == usb


def test_no_other_device_is_bound_anew(tmp_path):
    SoundCards(tmp_path).plug(0, "sndrpigooglevoi")
    table = {"driver": "alsa", "card": "CARD=sndrpigooglevoi", "sysfs": str(tmp_path)}
    assert load("microphone", "microphone.m", table).bind_anew() is None
    assert load("sensor", "sensor.s", {"driver": "simulated"}).bind_anew() is None
