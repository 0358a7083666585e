"""The discovery message, held against a schema of our own and against its rules."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from beemon.protocol.replies import ReadingFacts
from beemon.uplink.destinations.mqtt import discovery
from beemon.uplink.destinations.mqtt.discovery import CLASSES, UNITS, Device, Subject

SCHEMA = json.loads(Path(__file__).with_name("discovery.schema.json").read_text("utf-8"))
UTC = "2026-06-01T12:00:00.000Z"
ARCHIVE = "0f3a9c2e-1111-4222-8333-444455556666"


def reading(sensor: str, quantity: str, unit: str, value: float | None = 1.0) -> ReadingFacts:
    return ReadingFacts(f"sensor.{sensor}", quantity, UTC, unit, value,
                        reason=None if value is not None else "stuck")


SUBJECT = Subject(
    archive=ARCHIVE, hive="apiary-7", version="0.2.0", base="beemon/apiary-7",
    devices={
        "sensor.scale": Device("hx711", 300.0), "sensor.brood": Device("kernel", 60.0),
        "sensor.system": Device("system", 60.0), "sensor.gate": Device("beams"),
        "camera.entrance": Device("v4l2", 600.0), "microphone.brood": Device("alsa", 3600.0),
    },
    readings=(
        reading("scale", "weight", "g", 42_170.0), reading("brood", "temperature", "°C"),
        reading("brood", "humidity", "%"), reading("system", "cpu_temperature", "°C"),
        reading("system", "wifi_signal", "dBm"), reading("system", "disk_free", "B"),
        reading("gate", "in", ""), reading("scale", "bridge", "mV/V"),
    ),
    commands=("snapshot camera.entrance", "record microphone.brood 30"),
    pictured=("camera.entrance",),
)


def components(subject: Subject = SUBJECT) -> dict[str, dict[str, object]]:
    return discovery.message(subject)["cmps"]


def check(message: object) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(message)


def test_the_message_keeps_the_rules_of_home_assistant():
    check(discovery.message(SUBJECT))
    check(discovery.message(replace(SUBJECT, url="https://hive.example/")))


@pytest.mark.parametrize(("quantity", "unit"), [
    *(("x", unit) for unit in [*UNITS, "", "mV/V", "dBFS", "Ω"]),
    *((word, unit) for unit, word in CLASSES),
])
def test_every_unit_keeps_the_rules(quantity, unit):
    check(discovery.message(replace(SUBJECT, readings=(reading("brood", quantity, unit),))))


@pytest.mark.parametrize("spoil", [
    lambda m: m["dev"].update(colour="red"), lambda m: m["o"].update(colour="red"),
    lambda m: m.update(colour="red"), lambda m: m.pop("o"), lambda m: m["dev"].pop("ids"),
    lambda m: m["cmps"]["state"].pop("unique_id"),
    lambda m: m["cmps"]["state"].update(p="hologram"),
    lambda m: m["dev"].update(cu="hive.local:8081"),
    lambda m: m["cmps"]["sensor.brood.temperature"].update(unit_of_measurement="C"),
    lambda m: m["cmps"]["sensor.brood.temperature"].update(device_class="brood"),
    lambda m: m["cmps"]["sensor.system.wifi_signal"].update(entity_category="config"),
    lambda m: m["cmps"]["sensor.scale.weight"].update(expire_after="900"),
])
def test_the_schema_refuses_what_home_assistant_refuses(spoil):
    message = discovery.message(SUBJECT)
    spoil(message)
    with pytest.raises(jsonschema.ValidationError):
        check(message)


def test_grams_are_shown_as_kilograms():
    weight = components()["sensor.scale.weight"]
    assert (weight["unit_of_measurement"], weight["device_class"]) == ("kg", "weight")
    assert discovery.shown_value(SUBJECT.readings[0]) == 42.17


def test_a_value_counts_for_three_intervals_and_at_least_five_minutes():
    found = {key: one.get("expire_after") for key, one in components().items()}
    assert found["sensor.scale.weight"] == 900
    assert found["sensor.brood.temperature"] == 300
    assert found["sensor.gate.in"] is None


def test_the_computer_s_own_quantities_are_diagnostics():
    found = {key for key, one in components().items() if one.get("entity_category")}
    assert found == {
        "sensor.system.cpu_temperature", "sensor.system.wifi_signal", "sensor.system.disk_free",
        "camera.entrance.last", "microphone.brood.last", "state", "trouble",
    }


def test_no_name_repeats_the_hive_s():
    names = {str(one["name"]) for one in components().values()}
    assert {"Scale weight", "Brood temperature", "System CPU temperature",
            "Snapshot camera entrance", "Entrance picture"} <= names
    assert not any("apiary" in name for name in names)


def test_a_renamed_hive_keeps_its_identity():
    renamed = discovery.message(replace(SUBJECT, hive="new", base="beemon/new"))
    before = discovery.message(SUBJECT)
    assert renamed["dev"]["ids"] == before["dev"]["ids"]
    assert [one["unique_id"] for one in renamed["cmps"].values()] == \
        [one["unique_id"] for one in before["cmps"].values()]


def test_each_quantity_has_a_topic_and_an_identity_of_its_own():
    awkward = replace(SUBJECT, readings=(
        reading("a", "b", ""), reading("a_b", "c", ""), reading("a", "b_c", ""),
        reading("a", "in/out+#", ""),
    ), devices={"sensor.a": Device("x"), "sensor.a_b": Device("x")})
    check(discovery.message(awkward))
    found = [one for key, one in components(awkward).items() if key.startswith("sensor.")]
    assert len({one["state_topic"] for one in found}) == len(found) == 4
    assert len({one["unique_id"] for one in found}) == 4


def test_a_sensor_that_is_not_in_the_config_has_no_component():
    devices = {"sensor.brood": SUBJECT.devices["sensor.brood"]}
    found = components(replace(SUBJECT, devices=devices))
    assert "sensor.brood.humidity" in found
    assert not any(key.startswith("sensor.scale") for key in found)


def test_a_component_is_removed_by_its_platform_alone():
    message = discovery.message(SUBJECT, {"sensor.old.x": "sensor"})
    assert message["cmps"]["sensor.old.x"] == {"p": "sensor"}


def test_unknown_kinds_of_events_are_announced_too():
    found = components(replace(SUBJECT, event_kinds=["plague"]))["event"]
    assert {"plague", "weight", "inspection"} <= set(found["event_types"])
