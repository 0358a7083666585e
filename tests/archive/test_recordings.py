"""Recordings on disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from beemon.archive import recordings
from beemon.archive.recordings import Place
from beemon.worker import message_of, reason_of


@pytest.mark.parametrize("good_syncs", [0, 1], ids=["the file's", "the folder's"])
def test_a_failed_sync_is_the_archives_error_and_not_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good_syncs: int
) -> None:
    place = Place(tmp_path / ".x.flac.part", tmp_path / "x.flac")
    place.temporary.write_bytes(b"sound")
    syncs = iter([None] * good_syncs)

    def fsync(_descriptor: int) -> None:
        if next(syncs, errno.EIO):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output error") as caught:
        recordings.keep(place)
    assert reason_of(caught.value) == "archive-error"
    assert message_of(caught.value) == f"Input/output error: {tmp_path}"
