"""The hive in the real Home Assistant: right in value, unit, class and availability, whatever ends.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.grounds.container import Container
from tests.grounds.deadline import within
from tests.grounds.home_assistant import HomeAssistant, binds
from tests.grounds.package import apt, package
from tests.grounds.tree import bare

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("BEEMON_ROUNDS", "8"))
"""Rounds of killing; 100 for a night."""
CONFIG = """
[hive]
name = "apiary-7"

[sensor.brood]
driver = "simulated"
quantities = ["temperature", "humidity"]
schedule = { interval = "1m" }

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
        self, condition: Callable[[dict[str, dict[str, Any]]], object], seconds: float = 45,
        hive: str = "apiary_7",
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
    with Container(bare("trixie"), binds=binds(request.param)) as machine:
        machine.put("/root/beemon.deb", package())
        apt(machine, "install ./beemon.deb mosquitto python3-av python3-paho-mqtt")
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
    assert "ERROR" not in "\n".join(
        line for line in home.assistant.log().splitlines() if "mqtt" in line
    )


def test_a_picture_comes_back_as_it_was_taken(home):
    home.wait_for(lambda seen: "image.apiary_7_entrance_picture" in seen)
    picture = home.assistant.picture("image.apiary_7_entrance_picture")
    assert picture[:3] == b"\xff\xd8\xff"


def test_a_button_takes_a_picture(home):
    home.wait_for(is_well)
    before = home.assistant.picture("image.apiary_7_entrance_picture")
    home.assistant.press("button.apiary_7_snapshot_camera_entrance")
    within(30, lambda: home.assistant.picture("image.apiary_7_entrance_picture") != before)
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


def test_nothing_stays_stuck_whatever_ends_and_in_whatever_order(home):
    home.wait_for(is_well)
    chance = random.Random(7)
    parts = {
        "home-assistant": lambda: home.assistant.start(),
        "mosquitto": lambda: home.machine.run("systemctl", "start", "mosquitto"),
        "beemon-uplink": lambda: home.machine.run("systemctl", "start", "beemon-uplink"),
    }
    for number in range(ROUNDS):
        chosen = chance.sample([*parts], chance.choice([1, 1, 2, 3]))
        for unit in chosen:
            home.kill(unit)
        chance.shuffle(chosen)
        for unit in chosen:
            parts[unit]()
        home.machine.run("beemon", "read", "sensor.brood", "--wait")
        fresh = home.measured_at("sensor.brood", "temperature")
        seen = home.wait_for(
            lambda seen, fresh=fresh: is_well(seen)
            and seen["sensor.apiary_7_brood_temperature"]["attributes"]["utc"] >= fresh, 75
        )
        print(f"round {number}: {', '.join(chosen)}: {len(seen)} entities are well")


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
    within(30, lambda: home.machine.run(*reading, check=False).returncode == 0)
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
    home.wait_for(is_well, 90)
