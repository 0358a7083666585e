"""What a day took, as the ledger knows it."""

from __future__ import annotations

import pytest

from beemon.base.moments import US_PER_DAY
from beemon.ledger import usage
from beemon.ledger.ledger import LOG_BYTES
from tests.kept import Kept

NOW_US = 100 * US_PER_DAY
CAMERA = "camera.entrance"


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    yield kept
    kept.close()


def test_the_last_days_are_counted_deleted_recordings_and_all(kept):
    kept.add(CAMERA, 9_000, clock="rtc", start_us=NOW_US - 8 * US_PER_DAY)
    kept.add(CAMERA, 1_000, clock="rtc", start_us=NOW_US - 4 * US_PER_DAY, deleting_us=1)
    kept.add(CAMERA, 7_000, clock="rtc", start_us=NOW_US - US_PER_DAY)
    [measured] = usage.recordings(kept.ledger.db, NOW_US).values()
    assert (measured.bytes, measured.days, measured.bytes_a_day) == (8_000, 4.0, 2_000)


def test_less_than_a_day_is_not_told(kept):
    kept.add(CAMERA, start_us=NOW_US - US_PER_DAY + 1, clock="rtc")
    assert usage.recordings(kept.ledger.db, NOW_US) == {}


def test_what_an_unsure_clock_dated_does_not_count(kept):
    kept.add(CAMERA, start_us=NOW_US - 2 * US_PER_DAY, clock="unsure")
    kept.add(CAMERA, start_us=NOW_US + US_PER_DAY, clock="rtc")
    assert usage.recordings(kept.ledger.db, NOW_US) == {}


def test_the_ledger_itself_is_counted_since_its_first_run(kept, tmp_path):
    assert usage.ledger(kept.ledger.db, tmp_path, NOW_US) is None
    started = NOW_US - 4 * US_PER_DAY
    kept.write(lambda ledger: ledger.db.execute(
        "UPDATE runs SET started_us = ?, clock = 'rtc'", (started,)))
    found = usage.ledger(kept.ledger.db, tmp_path, NOW_US)
    assert found == usage.Usage((tmp_path / "ledger.db").stat().st_size, 4.0)


def test_a_log_that_has_grown_counts_beyond_its_usual_length(kept, tmp_path):
    kept.write(lambda ledger: ledger.db.execute(
        "UPDATE runs SET started_us = ?, clock = 'rtc'", (NOW_US - US_PER_DAY,)))
    with (tmp_path / "ledger.db-wal").open("ab") as log:
        log.truncate(LOG_BYTES + 1000)
    found = usage.ledger(kept.ledger.db, tmp_path, NOW_US)
    assert found is not None
    assert found.bytes == (tmp_path / "ledger.db").stat().st_size + 1000
