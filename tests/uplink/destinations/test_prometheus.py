"""The file for node-exporter: whole at any time, also without a recorder."""

from __future__ import annotations

import pytest

from beemon.base.clock import Moment
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.prometheus import Settings, make
from tests.uplink.conftest import job_of, reading

NOW = Moment(1_780_000_100_000_000, 100.0)


def test_it_has_the_latest_readings_and_says_that_the_recorder_is_silent(
    uplink_hive, ledger, tmp_path
):
    job_of(ledger, reading(0, 41000.5))
    destination = make(Settings(file=tmp_path / "beemon.prom", interval=60.0), uplink_hive)
    assert destination.look(NOW) == 60.0
    text = (tmp_path / "beemon.prom").read_text()
    assert "beemon_up 0\n" in text
    assert "41000.5\n" in text
    assert (tmp_path / "beemon.prom").stat().st_mode & 0o777 == 0o644


def test_a_folder_that_it_may_not_write_to_is_told_with_the_remedy(uplink_hive, tmp_path):
    destination = make(Settings(file=tmp_path / "none/beemon.prom"), uplink_hive)
    with pytest.raises(NotDeliveredError, match="chgrp beemon"):
        destination.look(NOW)
