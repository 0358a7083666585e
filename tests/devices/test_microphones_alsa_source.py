"""What arecord is to open, and where the kernel tells of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.devices.microphones.alsa.settings import Settings
from beemon.devices.microphones.alsa.source import Source
from tests.devices.sound_cards import SoundCards


@pytest.mark.parametrize(
    ("card", "name", "folder"),
    [
        ("CARD=Device", "hw:CARD=Device,DEV=0", "/proc/asound/Device/pcm0c"),
        ("CARD=Device,DEV=1", "hw:CARD=Device,DEV=1", "/proc/asound/Device/pcm1c"),
        ("usb-0000:01:00.0-1.3", "hw:CARD=Device_1,DEV=0", "/proc/asound/Device_1/pcm0c"),
        ("usb-0000:01:00.0-1.3,DEV=2", "hw:CARD=Device_1,DEV=2", "/proc/asound/Device_1/pcm2c"),
    ],
)
def test_a_card_is_opened_by_its_id(tmp_path, card, name, folder):
    sysfs = SoundCards(tmp_path / "sys")
    sysfs.plug(0, "Device", "1-1.2")
    sysfs.plug(1, "Device_1", "1-1.3")
    settings = Settings(name="microphone.brood", card=card, sysfs=str(sysfs.folder))
    assert Source.of(settings) == Source(name, Path(folder))


def test_of_any_other_device_the_kernel_tells_nothing():
    source = Source.of(Settings(name="microphone.brood", pcm="plughw:CARD=Device"))
    assert source == Source("plughw:CARD=Device", None)
    assert source.stamps(122, 48_000, 10.0) is None
