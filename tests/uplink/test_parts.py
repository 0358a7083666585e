"""The parts of the uplink's process: none of them keeps the others from their work."""

from __future__ import annotations

import os

import pytest

from beemon.base.options import RawTable
from beemon.ledger import identity
from beemon.uplink import destinations, kept, service
from beemon.uplink.options import UplinkOptions
from tests.hive import until


def nobody():
    raise ConnectionError("nothing answers")


def table(name: str, **values: object) -> RawTable:
    return RawTable(name, values, {(): "beemon.toml, line 1"})


@pytest.fixture
def options(ledger, tmp_path):
    with ledger.transaction():
        identity.settle(ledger, None)
    for name in ("state", "run"):
        (tmp_path / name).mkdir()
    return lambda *tables: UplinkOptions(
        hive="apiary-7", archive=ledger.archive, connect=nobody, state=tmp_path / "state",
        runtime=tmp_path / "run", tables={one.name: one for one in tables},
    )


def test_a_destination_that_cannot_be_made_stops_no_other_and_is_tried_again(
    options, tmp_path, server
):
    (tmp_path / "state/prometheus").write_text("a file in the place of its folder")
    given = options(
        table("prometheus", file=str(tmp_path / "metrics")),
        table("influx", url=f"{server.url}/write"),
    )
    uplink = service.start(given)
    try:
        assert [courier.name for courier in uplink.couriers] == ["influx"]
        assert uplink.states.seen()["prometheus"].trouble
        (tmp_path / "state/prometheus").unlink()
        service._start_waiting(uplink, given)
        until(lambda: (tmp_path / "metrics").exists())
    finally:
        service.stop(uplink)


def test_a_wrong_table_of_the_link_is_no_link_without_limits():
    wrong = {"uplink": table("uplink", daily_budget="5 things")}
    settings, problems = destinations.read_tables(wrong)
    assert problems
    assert destinations.link_settings(settings, wrong).daily_budget == 0
    assert destinations.link_settings({}, {}).daily_budget is None


def test_a_folder_belongs_to_one_uplink_alone(tmp_path):
    held = kept.hold(tmp_path)
    with pytest.raises(BlockingIOError, match="another uplink"):
        kept.hold(tmp_path)
    os.close(held)
    os.close(kept.hold(tmp_path))
