"""FLAC files that are written while they are recorded."""

from __future__ import annotations

import pytest

from beemon.devices.microphones._flac import FlacWriter

soundfile = pytest.importorskip("soundfile")


def test_samples_are_kept_bit_for_bit(tmp_path):
    sound = bytes(range(256)) * 100
    with FlacWriter(tmp_path / "a.part", rate=16000, channels=2) as flac:
        flac.write(sound[:1024])
        flac.write(sound[1024:])
    kept, rate = soundfile.read(str(tmp_path / "a.part"), dtype="int16")
    assert kept.tobytes() == sound
    assert rate == 16000


def test_what_the_disk_does_not_take_is_an_error_of_the_system(tmp_path):
    (tmp_path / "a.flac").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"a\.flac"), FlacWriter(tmp_path / "a.flac", 16000, 1) as f:
        f.write(bytes(100_000))
