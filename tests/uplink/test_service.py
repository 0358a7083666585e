"""The uplink's process beside a real service."""

from __future__ import annotations

import pytest

from beemon.uplink.service import EXIT_CHANGED
from tests.hive import SIMULATED, Hive, until
from tests.uplink.carrier import Carrier
from tests.uplink.servers import far_server

pytestmark = pytest.mark.process


@pytest.fixture
def hive(tmp_path):
    hive = Hive(tmp_path).start()
    yield hive
    hive.stop()


@pytest.fixture
def carrier(hive: Hive):
    carrier = Carrier(hive)
    yield carrier
    if carrier.process:
        carrier.kill()


def configure(hive: Hive, tables: str) -> None:
    hive.write(SIMULATED + tables)
    assert hive.do("reload")["outcome"] == "done"


def lines(server) -> list[str]:
    return [line for asked in server.asked for line in asked.body.decode().splitlines()]


def test_without_a_destination_it_ends_at_once(hive, carrier):
    assert carrier.start().wait() == 0
    assert "no destination" in carrier.said()
    assert "uplink" not in hive.ask("status")


def test_each_reading_reaches_its_destination_and_status_says_so(hive, carrier, server):
    hive.do("read")
    configure(hive, f'[influx]\nurl = "{server.url}/write"\n')
    carrier.start()
    until(lambda: any("job=1i" in line for line in lines(server)))
    job = hive.do("read")["job"]
    until(lambda: any(f"job={job}i" in line for line in lines(server)))
    status = until(lambda: hive.ask("status").get("uplink"))
    assert status["destinations"]["influx"]["state"] in ("working", "starting")
    assert carrier.stop() == 0


def test_nothing_is_lost_when_it_is_killed_and_the_far_end_has_each_once(hive, carrier, server):
    configure(hive, f'[influx]\nurl = "{server.url}/write"\n')
    jobs = []
    for _ in range(3):
        carrier.start()
        jobs.append(hive.do("read")["job"])
        until(lambda: f"job={jobs[-1]}i" in "".join(lines(server)))
        carrier.kill()
    points = {(line.split(" ")[0], line.split(" ")[-1]): line for line in lines(server)}
    for job in jobs:
        told = [line for line in points.values() if f"job={job}i" in line and "value=" in line]
        assert len(told) == len(hive.ask(f"job {job}")["readings"])


def test_a_new_address_gets_all_history_and_a_new_token_gets_none_again(
    hive, carrier, server, tmp_path
):
    (tmp_path / "token").write_text("first")
    (tmp_path / "token").chmod(0o600)
    token = f'token_file = "{tmp_path}/token"\n'
    hive.do("read")
    configure(hive, f'[influx]\nurl = "{server.url}/write"\n{token}')
    carrier.start()
    until(lambda: any("job=1i" in line for line in lines(server)))
    carrier.stop()
    (tmp_path / "token").write_text("second")
    carrier.start()
    job = hive.do("read")["job"]
    until(lambda: any(f"job={job}i" in line for line in lines(server)))
    carrier.stop()
    found = lines(server)
    assert len(found) == len(set(found))
    with far_server() as other:
        configure(hive, f'[influx]\nurl = "{other.url}/write"\n{token}')
        carrier.start()
        until(lambda: set(lines(other)) >= {line for line in found if "job=" in line})
        carrier.stop()


def test_a_table_with_a_mistake_stops_neither_the_recorder_nor_another_destination(
    hive, carrier, server
):
    configure(hive, f'[beep]\nurl = "there"\n[influx]\nurl = "{server.url}/write"\n')
    carrier.start()
    hive.do("read")
    until(lambda: lines(server))
    status = until(lambda: hive.ask("status").get("uplink"))
    assert "url" in status["destinations"]["beep"]["trouble"]
    assert hive.do("read")["outcome"] == "done"


def test_it_ends_for_a_new_config_so_that_systemd_starts_it_again(hive, carrier, server):
    configure(hive, f'[influx]\nurl = "{server.url}/write"\n')
    carrier.start()
    until(lambda: (carrier.folder / "state.json").exists())
    configure(hive, f'[influx]\nurl = "{server.url}/other"\n')
    assert carrier.wait() == EXIT_CHANGED


def test_a_start_with_a_wrong_config_uses_the_last_good_one_as_the_recorder_does(
    hive, carrier, server
):
    configure(hive, f'[influx]\nurl = "{server.url}/write"\n')
    hive.write("[influx\n")
    carrier.start()
    job = hive.do("read")["job"]
    until(lambda: any(f"job={job}i" in line for line in lines(server)))
    assert "the last good config is used" in carrier.said()


def test_a_second_uplink_does_not_touch_the_memory_of_the_first(hive, carrier, server):
    configure(hive, f'[influx]\nurl = "{server.url}/write"\n')
    carrier.start()
    until(lambda: (carrier.folder / "state.json").exists())
    assert Carrier(hive).start().wait() == 1
    assert "another uplink uses" in carrier.said()
    assert carrier.process.poll() is None
