"""The hive in the real Home Assistant: right in value, unit, class and availability, whatever ends.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

import pytest

from tests.grounds.container import Container
from tests.grounds.deadline import PATIENCE_SECONDS, until, within
from tests.grounds.home_assistant import HomeAssistant, binds
from tests.grounds.package import apt, higher_version, package
from tests.grounds.tree import furnished

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("BEEMON_ROUNDS", "4"))
"""Rounds of killing; 100 for a night."""
PARTS = ("home-assistant", "mosquitto", "beemon", "beemon-uplink")
THE_MACHINE = 0
KILLED = (len(PARTS), 1, THE_MACHINE, 2, 1, 3)
"""The number of parts that are killed in a round, or the machine with all of them."""
CONFIG = """
[hive]
name = "apiary-7"

[sensor.brood]
driver = "simulated"
quantities = ["temperature", "humidity"]
schedule = { interval = "10s" }

[sensor.scale]
driver = "simulated"
quantities = ["weight"]
schedule = { interval = "1m" }

[camera.entrance]
driver = "simulated"

[mqtt]
broker = "127.0.0.1"
commands = ["snapshot camera.entrance"]
"""
ENTITIES = {
    "sensor.apiary_7_brood_temperature": ("°C", "temperature", "measurement"),
    "sensor.apiary_7_brood_humidity": ("%", "humidity", "measurement"),
    "sensor.apiary_7_scale_weight": ("kg", "weight", "measurement"),
    "sensor.apiary_7_system_disk_free": ("MB", "data_size", "measurement"),
    "sensor.apiary_7_system_memory_available": ("MB", "data_size", "measurement"),
    "sensor.apiary_7_state": (None, "enum", None),
    "binary_sensor.apiary_7_problem": (None, "problem", None),
}
"""Some of the entities: unit, class, and class of the state."""
WITHOUT_STATE = ("button.", "event.", "image.", "sensor.apiary_7_entrance_last_recording")
"""Entities that show something only once it has happened."""


class Home:
    """A house with a hive, a broker and Home Assistant."""

    def __init__(self, machine: Container, release: str = "trixie") -> None:
        self.machine, self.assistant = machine, HomeAssistant(machine, release)

    def configure(self, name: str, content: str) -> None:
        self.machine.put(f"/etc/beemon/conf.d/{name}.toml", content)
        self.machine.shell("chgrp -R beemon /etc/beemon; chmod -R g+rX /etc/beemon;"
                           "systemctl reload beemon")

    def kill(self, unit: str) -> None:
        self.machine.run("systemctl", "kill", "-s", "KILL", unit, check=False)
        self.machine.run("systemctl", "stop", unit)

    def start(self, unit: str) -> None:
        if unit == "home-assistant":
            self.assistant.start()
        else:
            self.machine.run("systemctl", "start", unit)

    def end_some(self, count: int, chance: random.Random) -> Sequence[str]:
        """Kill some parts and start them again in another order, or pull the machine's plug."""
        if count == THE_MACHINE:
            self.machine.kill()
            self.machine.boot()
            self.assistant.start()
            self.machine.run("beemon", "clock", "right", "--wait")
            return ["the machine"]
        chosen = chance.sample(PARTS, count)
        for unit in chosen:
            self.kill(unit)
        again = chance.sample(chosen, count)
        for unit in again:
            self.start(unit)
        return chosen

    def entities(self, hive: str = "apiary_7") -> dict[str, dict[str, Any]]:
        found = self.assistant.states()
        return {entity: one for entity, one in found.items() if f".{hive}_" in entity}

    def state(self, entity: str) -> str:
        return self.assistant.states().get(entity, {}).get("state", "missing")

    def readings(self) -> list[dict[str, Any]]:
        """The latest readings, as the hive itself tells them."""
        found: list[dict[str, Any]] = json.loads(
            self.machine.run("beemon", "readings", "--json").stdout
        )["readings"]
        return found

    def measured_at(self, sensor: str, quantity: str) -> str:
        """The time of the latest reading of a quantity."""
        return next(one["utc"] for one in self.readings()
                    if (one["sensor"], one["quantity"]) == (sensor, quantity))

    def wait_for(
        self, condition: Callable[[dict[str, dict[str, Any]]], object],
        seconds: float = PATIENCE_SECONDS, hive: str = "apiary_7",
    ) -> dict[str, dict[str, Any]]:
        """The entities, once they are so."""
        seen: dict[str, dict[str, Any]] = {}

        def holds() -> bool:
            nonlocal seen
            seen = self.entities(hive)
            return bool(condition(seen))

        try:
            within(seconds, holds)
        except TimeoutError:
            pytest.fail(self.describe(seen))
        return seen

    def describe(self, seen: dict[str, dict[str, Any]]) -> str:
        states = {entity: one["state"] for entity, one in seen.items()}
        uplink = self.machine.journal("-u", "beemon-uplink")
        return f"{json.dumps(states, indent=1)}\n{uplink[-4000:]}\n{self.assistant.log()[-4000:]}"


def unwell(seen: dict[str, dict[str, Any]]) -> list[str]:
    """The entities that ought to have a state and have none."""
    return [
        f"{entity} is {one['state']}" for entity, one in seen.items()
        if one["state"] == "unavailable"
        or (one["state"] == "unknown" and not entity.startswith(WITHOUT_STATE))
    ]


def is_well(seen: dict[str, dict[str, Any]]) -> bool:
    return seen.keys() >= ENTITIES.keys() and not unwell(seen)


@pytest.fixture(scope="module", params=["trixie", pytest.param("forky", marks=pytest.mark.long)])
def home(request: pytest.FixtureRequest) -> Iterator[Home]:
    """With the last Home Assistant for Debian 13's Python, or with the newest one."""
    with Container(furnished("trixie"), binds=binds(request.param)) as machine:
        machine.put("/root/beemon.deb", package())
        apt(machine, "install ./beemon.deb mosquitto python3-paho-mqtt")
        found = Home(machine, request.param)
        found.assistant.install()
        found.configure("hive", CONFIG)
        machine.run("beemon", "snapshot", "camera.entrance", "--wait")
        machine.run("beemon", "read", "--wait")  # the schedule may be most of a minute away
        found.assistant.start()
        found.assistant.add_broker()
        yield found


def test_every_quantity_is_right_in_value_unit_and_class(home):
    seen = home.wait_for(is_well)
    for entity, wanted in ENTITIES.items():
        told = seen[entity]["attributes"]
        classes = ("unit_of_measurement", "device_class", "state_class")
        assert tuple(told.get(name) for name in classes) == wanted, entity
    for one in home.readings():
        name = f"sensor.apiary_7_{one['sensor'].partition('.')[2]}_{one['quantity']}"
        if one["unit"] in ("°C", "%") and "value" in one:
            assert float(seen[name]["state"]) == pytest.approx(one["value"], abs=2)
        if one["unit"] == "g" and "value" in one:
            assert float(seen[name]["state"]) == pytest.approx(one["value"] / 1000, abs=0.5)
    assert "ERROR" not in home.assistant.log_of("mqtt")


def test_a_picture_comes_back_as_it_was_taken(home):
    home.wait_for(lambda seen: "image.apiary_7_entrance_picture" in seen)
    picture = home.assistant.picture("image.apiary_7_entrance_picture")
    assert picture[:3] == b"\xff\xd8\xff"


def test_a_button_takes_a_picture(home):
    home.wait_for(is_well)
    before = home.assistant.picture("image.apiary_7_entrance_picture")
    home.assistant.press("button.apiary_7_snapshot_camera_entrance")
    until(lambda: home.assistant.picture("image.apiary_7_entrance_picture") != before)
    jobs = json.loads(home.machine.run("beemon", "jobs", "--json").stdout)["jobs"]
    assert any(job["origin"].startswith("mqtt") and job["outcome"] == "done" for job in jobs)


def test_an_event_is_an_event(home):
    home.wait_for(is_well)
    home.machine.run("beemon", "inspection", "begin")
    event = "event.apiary_7_event"
    seen = home.wait_for(
        lambda seen: seen[event]["attributes"].get("event_type") == "inspection"
    )
    assert seen[event]["state"] != "unknown"
    home.machine.run("beemon", "inspection", "end")


@pytest.mark.timeout(600 + 75 * ROUNDS)
def test_nothing_stays_stuck_whatever_ends_and_in_whatever_order(home):
    home.wait_for(is_well)
    home.machine.run("beemon", "clock", "right", "--wait")  # an unsure one accounts for no slot
    chance = random.Random(96)
    for number, count in zip(range(ROUNDS), cycle(KILLED)):
        ended = home.end_some(count, chance)
        home.machine.run("beemon", "read", "sensor.brood", "--wait")
        fresh = home.measured_at("sensor.brood", "temperature")
        begun = time.monotonic()
        seen = home.wait_for(
            lambda seen, fresh=fresh: is_well(seen)
            and seen["sensor.apiary_7_brood_temperature"]["attributes"]["utc"] >= fresh, 75
        )
        print(f"round {number + 1}: {', '.join(ended)}: {len(seen)} entities are well after "
              f"{time.monotonic() - begun:.0f} s", flush=True)
    assert_slots_add_up(home)


def assert_slots_add_up(home: Home) -> None:
    """Each due slot has one outcome, and nothing of the archive is torn."""
    def completeness() -> dict[str, Any]:
        said = home.machine.run("beemon", "completeness", "--since", "1d", "--json").stdout
        return json.loads(said)

    until(lambda: completeness()["devices"]["sensor.brood"]["done"])
    told = completeness()
    assert told["adds_up"], told
    for name, slots in told["devices"].items():
        print(f"{name}: of {slots['due']} slots {slots['done']} done; {slots['reasons']}")
    home.machine.run("beemon", "archive", "check")


PROBE = """
[sensor.probe]
driver = "simulated"
quantities = ["temperature"]
fault = "error"
fault_after = 1
fault_file = "/tmp/probe"
"""


def test_a_refused_reading_is_unknown_with_its_reason_and_a_removed_sensor_is_gone(home):
    home.wait_for(is_well)
    probe = "sensor.apiary_7_probe_temperature"
    home.configure("probe", PROBE)
    home.machine.run("beemon", "read", "sensor.probe", "--wait")
    seen = home.wait_for(lambda seen: probe in seen and is_well(seen))
    assert float(seen[probe]["state"]) > 0
    home.machine.run("beemon", "read", "sensor.probe", "--wait", check=False)
    seen = home.wait_for(lambda seen: seen[probe]["state"] == "unknown", 20)
    assert seen[probe]["attributes"]["reason"]
    home.machine.run("rm", "/etc/beemon/conf.d/probe.toml")
    home.machine.run("systemctl", "reload", "beemon")
    home.wait_for(lambda seen: probe not in seen and is_well(seen))


SCALE = """
[sensor.load]
driver = "simulated"
quantities = ["bridge"]
load_file = "/srv/load/grams"
schedule = { interval = "1m" }
"""
CALIBRATION = """
[sensor.load.calibration.bridge]
quantity = "weight"
unit = "g"
zero = -213400
factor = %s
"""
LOAD = "sensor.apiary_7_load_weight"


def weigh(home: Home, factor: str = "") -> None:
    """Read the scale, with this factor of its calibration or without a calibration."""
    home.configure("load", SCALE + (CALIBRATION % factor if factor else ""))
    home.machine.run("beemon", "read", "sensor.load", "--wait", check=False)


def wait_for_reason(home: Home, reason: str) -> None:
    """The scale alone is unknown, and says why."""
    home.wait_for(
        lambda seen: seen[LOAD]["state"] == "unknown"
        and seen[LOAD]["attributes"]["reason"] == reason
        and is_well({entity: one for entity, one in seen.items() if entity != LOAD})
    )


def test_a_number_that_cannot_be_true_is_unknown_with_its_reason(home):
    home.machine.put("/srv/load/grams", "20000")
    weigh(home, "0.0238")
    seen = home.wait_for(lambda seen: LOAD in seen and is_well(seen))
    assert float(seen[LOAD]["state"]) == pytest.approx(20, abs=1)
    weigh(home, "1e305")  # more than a number can hold
    wait_for_reason(home, "not-a-number")
    weigh(home, "0.0238")
    home.wait_for(is_well)
    home.machine.run("rm", "/srv/load/grams")
    home.machine.run("beemon", "read", "sensor.load", "--wait", check=False)
    wait_for_reason(home, "device-error")
    home.machine.put("/srv/load/grams", "30000")
    home.machine.put("/etc/beemon/conf.d/load.toml", SCALE + CALIBRATION % '"heavy"')
    assert home.machine.run("systemctl", "reload", "beemon", check=False).returncode
    home.machine.run("beemon", "read", "sensor.load", "--wait")
    seen = home.wait_for(is_well)  # by the calibration before
    assert float(seen[LOAD]["state"]) == pytest.approx(30, abs=1)
    weigh(home)
    bridge = "sensor.apiary_7_load_bridge"
    wait_for_reason(home, "no-longer-measured")
    seen = home.wait_for(lambda seen: bridge in seen and seen[bridge]["state"] != "unknown")
    assert seen[bridge]["attributes"]["unit_of_measurement"] == "mV/V"
    home.machine.run("rm", "/etc/beemon/conf.d/load.toml")
    home.machine.run("systemctl", "reload", "beemon")
    home.wait_for(lambda seen: LOAD not in seen and bridge not in seen and is_well(seen))
    assert "ERROR" not in home.assistant.log_of("mqtt")


def test_a_renamed_hive_keeps_its_entities(home):
    before = home.wait_for(is_well)
    home.configure("hive", CONFIG.replace("apiary-7", "orchard"))
    home.machine.run("systemctl", "restart", "beemon-uplink")
    weight = "sensor.apiary_7_scale_weight"
    seen = home.wait_for(
        lambda seen: is_well(seen)
        and seen[weight]["attributes"]["friendly_name"] == "orchard Scale weight"
    )
    assert seen.keys() == before.keys()
    home.configure("hive", CONFIG)
    home.machine.run("systemctl", "restart", "beemon-uplink")
    home.wait_for(
        lambda seen: is_well(seen)
        and seen[weight]["attributes"]["friendly_name"] == "apiary-7 Scale weight"
    )


def test_an_upgrade_keeps_each_entity_and_its_history(home, tmp_path):
    before = home.wait_for(is_well)
    temperature = "sensor.apiary_7_brood_temperature"
    shown, version = home.assistant.history(temperature), home.assistant.sw_version(temperature)
    home.machine.put("/root/later.deb", higher_version(package(), tmp_path))
    apt(home.machine, "install ./later.deb")
    home.machine.run("beemon", "read", "sensor.brood", "--wait")
    fresh = home.measured_at("sensor.brood", "temperature")
    seen = home.wait_for(
        lambda seen: is_well(seen) and seen[temperature]["attributes"]["utc"] >= fresh
    )
    assert seen.keys() == before.keys()
    assert home.assistant.sw_version(temperature) == f"{version}+later"
    after = until(lambda: (now := home.assistant.history(temperature))[len(shown):] and now)
    assert shown
    assert after[:len(shown)] == shown


NEIGHBOUR = """
[hive]
name = "neighbour"

[server]
listening_port = 8090

[archive]
path = "/srv/neighbour/archive"

[sensor.brood]
driver = "simulated"
seed = 5
quantities = ["temperature"]
schedule = { interval = "1m" }

[mqtt]
broker = "127.0.0.1"
protocol = "3.1.1"
"""


def test_of_two_hives_one_can_fall_silent_alone(home):
    first = home.wait_for(is_well)
    home.machine.put("/srv/neighbour/beemon.toml", NEIGHBOUR)
    config = ("--config", "/srv/neighbour/beemon.toml")
    home.machine.run("systemd-run", "--unit=neighbour-serve", "beemon", "serve", *config)
    temperature = "sensor.neighbour_brood_temperature"
    reading = ("beemon", "read", "--port", "8090", "--wait")
    until(lambda: home.machine.run(*reading, check=False).returncode == 0)
    # As the unit does, after the service: without an archive it would rest for up to a minute.
    home.machine.run("mkdir", "-p", "/srv/neighbour/uplink")
    home.machine.run("systemd-run", "--unit=neighbour-uplink", "beemon", "serve-uplink", *config,
                     "--folder", "/srv/neighbour/uplink")
    home.wait_for(
        lambda seen: temperature in seen and not unwell({temperature: seen[temperature]}),
        hive="neighbour",
    )
    home.machine.run("systemctl", "kill", "-s", "KILL", "neighbour-uplink")
    seen = home.wait_for(lambda seen: seen[temperature]["state"] == "unavailable",
                         hive="neighbour")
    assert seen
    assert not unwell(home.entities())
    assert home.entities().keys() == first.keys()
    home.machine.run("systemctl", "stop", "neighbour-serve")


@pytest.mark.long
def test_an_expired_value_is_not_fresh_after_a_restart(home):
    home.wait_for(is_well)
    home.machine.run("systemctl", "stop", "beemon")
    temperature = "sensor.apiary_7_brood_temperature"
    gone = ("unknown", "unavailable")
    home.wait_for(lambda seen: seen[temperature]["state"] in gone, 400)
    home.kill("home-assistant")
    home.assistant.start()
    seen = home.wait_for(lambda seen: seen.get("sensor.apiary_7_state", {}).get("state") == "down",
                         60)
    assert seen[temperature]["state"] in gone
    home.machine.run("systemctl", "start", "beemon")
    home.wait_for(is_well)
