"""The destination of an upload: which records it takes up at once."""

from __future__ import annotations

from typing import cast

import pytest

from beemon.base.recording import Recording, RecordingFacts
from beemon.protocol.replies import JobFacts
from beemon.uplink.contract import JobRecord
from beemon.uplink.destinations.upload.destination import Upload
from beemon.uplink.destinations.upload.settings import Settings
from beemon.uplink.hive import Hive

RECORDING = Recording(7, "microphone.brood", "recordings/a.flac", "2026-06-01", RecordingFacts())
NO_HIVE = cast(Hive, None)  # it asks none


@pytest.mark.parametrize(("record", "is_wanted"), [
    (JobRecord(1, JobFacts(1, "record microphone.brood 1"), (), RECORDING), True),
    (JobRecord(2, JobFacts(2, "forgotten 7", forgotten="recordings/a.flac")), True),
    (JobRecord(3, JobFacts(3, "forgotten 8")), False),
    (JobRecord(4, JobFacts(4, "uploaded 7", uploaded="recordings/a.flac")), False),
    (JobRecord(5, JobFacts(5, "read")), False),
])
def test_a_new_recording_and_one_that_lost_its_mark_are_wanted_at_once(record, is_wanted):
    assert Upload(Settings(remote="/media/disk"), NO_HIVE).wants(record) is is_wanted
