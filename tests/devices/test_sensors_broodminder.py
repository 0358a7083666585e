"""The driver of the BroodMinder: decoding by the maker's description, and a stand-in BlueZ on a
real D-Bus below it."""

from __future__ import annotations

import pytest

from beemon.devices import load, settings_for
from beemon.devices._base import (
    BadReadingError,
    DeviceError,
    DeviceMissingError,
    LibraryMissingError,
    Measurement,
)
from beemon.devices.sensors.broodminder import decoding
from beemon.devices.sensors.broodminder.decoding import COMPANY, MODELS, decode
from tests.devices.contracts import SensorContract

PRINTED = bytes.fromhex("2b1502000221 00d06200ff7f058037073043000000".replace(" ", ""))
"""The advertisement in the maker's description: a scale W (43) whose cells send no weight."""


def data(model: int, **fields: int) -> bytes:
    """An advertisement with these numbers; the rest is what a sensor without it sends."""
    made = bytearray(21)
    made[0] = model
    for name, place, size in (
        ("battery", 4, 1), ("sample", 5, 2), ("temperature", 7, 2), ("humidity", 14, 1),
        ("weight_1", 10, 2), ("weight_2", 12, 2), ("weight_3", 15, 2), ("weight_4", 17, 2),
    ):
        made[place : place + size] = fields.get(name, 0).to_bytes(size, "little")
    return bytes(made)


def told(advertisement: bytes, grams: float = 1000.0) -> dict[str, float | str]:
    """Of each quantity its value, or its reason."""
    return {
        one.quantity: one.value if isinstance(one, Measurement) else one.reason
        for one in decode(advertisement, grams).said
    }


def test_the_makers_example_has_a_temperature_and_no_weight():
    found = decode(PRINTED, 1000.0)
    assert found.model is MODELS[43]
    assert found.sample == 33
    assert told(PRINTED) == {
        "temperature": pytest.approx(0x62D0 / 65536 * 165 - 40, abs=1e-3), "battery": 2,
        "weight": "not-a-number", "weight_1": "not-a-number", "weight_2": "not-a-number",
    }


@pytest.mark.parametrize(("model", "raw", "celsius"), [
    (41, 0, -40.0), (42, 0x7333, 34.25), (43, 0xFFFE, 124.995), (47, 5000, 0.0), (47, 8475, 34.75),
    (49, 3500, -15.0), (52, 7000, 20.0), (56, 8512, 35.12), (57, 5001, 0.01), (58, 4999, -0.01),
])
def test_temperatures_follow_the_formula_of_the_model(model, raw, celsius):
    advertisement = data(model, temperature=raw)
    assert told(advertisement)["temperature"] == pytest.approx(celsius, abs=2e-3)


@pytest.mark.parametrize("model", MODELS)
def test_a_temperature_of_all_ones_is_none(model):
    assert told(data(model, temperature=0xFFFF))["temperature"] == "not-a-number"


@pytest.mark.parametrize("model", MODELS)
def test_a_model_says_what_it_measures_and_nothing_else(model):
    measured = tuple(one.quantity for one in decode(data(model), 1000.0).said)
    assert measured == MODELS[model].measures
    assert ("humidity" in measured) == (model in (42, 56))
    assert ("weight" in measured) == (model in (43, 49, 57, 58))


@pytest.mark.parametrize("none", [0x7FFF, 0x8005, 0xFFFF])
def test_a_cell_without_a_weight_takes_the_whole_with_it(none):
    found = told(data(43, weight_1=none, weight_2=32767 + 1550))
    assert found["weight_1"] == found["weight"] == "not-a-number"
    assert found["weight_2"] == 15_500.0


def test_weights_add_up_in_grams():
    found = told(data(57, weight_1=32767 + 1550, weight_2=32767 + 1250))
    assert (found["weight"], found["weight_1"], found["weight_2"]) == (28_000, 15_500, 12_500)
    four = {f"weight_{n}": 32767 + 1000 for n in range(1, 5)}
    assert told(data(49, **four))["weight"] == 40_000
    assert told(data(57, **four), 453.59237)["weight"] == pytest.approx(9071.847, abs=2e-3)
    assert told(data(57, weight_1=32767 - 150, weight_2=32767 - 50))["weight"] == -2000


@pytest.mark.parametrize(("percent", "expected"), [(0, 0), (100, 100), (101, "out-of-range")])
def test_percents_above_100_are_none(percent, expected):
    found = told(data(56, humidity=percent, battery=percent))
    assert (found["humidity"], found["battery"]) == (expected, expected)


@pytest.mark.parametrize("strange", [b"", PRINTED[:14], data(63), data(49)[:18], b"\0" * 21])
def test_data_of_no_known_model_are_refused(strange):
    with pytest.raises(BadReadingError, match="no model of BroodMinder"):
        decode(strange, 1000.0)


@pytest.mark.parametrize(("option", "value", "said"), [
    ("id", "47-01-23", "must be an ID"), ("id", "63:01:23", "unknown model"),
    ("address", "06:09:16", "must be like"), ("listen", "1m", '"timeout" must be longer'),
    ("weight_unit", "g", "kg"),
])
def test_a_wrong_option_is_told(option, value, said):
    table = {"driver": "broodminder", "id": "47:01:23", option: value}
    _, problems = settings_for("sensor", "sensor.brood", table, lambda _: "")
    assert said in " ".join(map(str, problems))


def test_the_quantities_are_known_before_the_sensor_is_heard():
    assert sensor(id="56:01:23").settings.measures == ("temperature", "humidity", "battery")


def sensor(**options):
    table = {"driver": "broodminder", "id": "47:01:23", "listen": "2s", **options}
    return load("sensor", "sensor.brood", table)


@pytest.mark.process
@pytest.mark.ground("bus")
class TestBroodMinder(SensorContract):
    @pytest.fixture
    def bluez(self, tmp_path, monkeypatch):
        from tests.devices.bluez import BlueZ, private_bus

        with private_bus(tmp_path) as address:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            bluez = BlueZ(address)
            bluez.sent = [
                ("11:22:33:44:55:66", COMPANY, data(47, temperature=9999)),
                ("06:09:16:47:01:23", 0x004C, b"\x02\x15"),
                ("06:09:16:47:01:23", COMPANY, data(47, temperature=8475, battery=88, sample=7)),
            ]
            bluez.start()
            yield bluez
            bluez.stop()

    @pytest.fixture
    def device(self, bluez):
        return sensor()

    def test_it_hears_its_own_sensor_alone(self, opened):
        assert [(one.quantity, one.value) for one in opened.read()] == [
            ("temperature", 34.75), ("battery", 88),
        ]

    def test_it_listens_no_longer_than_it_has_to(self, opened, bluez):
        opened.read()
        assert [one["Pattern"] for one in bluez.filters.values()] == ["06:09:16:47:01:23"]
        assert bluez.is_quiet.wait(5)

    def test_a_sensor_that_is_not_heard_has_a_reason(self, bluez):
        silent = sensor(id="47:99:99", listen="1s")
        silent.open()
        with pytest.raises(BadReadingError, match=r"no advertisement of 47:99:99 came within 1 s"):
            silent.read()

    def test_what_was_heard_before_does_not_count(self, bluez):
        device = sensor(listen="1s")
        device.open()
        device.read()
        bluez.sent = []
        with pytest.raises(BadReadingError) as caught:
            device.read()
        assert caught.value.reason == "unheard"

    def test_a_sample_that_is_repeated_for_three_intervals_is_stale(self, bluez, monkeypatch):
        device = sensor(measured_every="1m")
        device.open()
        device.read()
        device._since -= 181
        with pytest.raises(BadReadingError) as caught:
            device.read()
        assert caught.value.reason == "stale"
        bluez.sent = [("06:09:16:47:01:23", COMPANY, data(47, temperature=8475, sample=8))]
        assert device.read()

    def test_of_a_subhub_its_sensor_alone_counts(self, bluez):
        def behind(origin: str, temperature: int) -> bytes:
            made = bytearray(data(47, temperature=temperature))
            made[3], made[9], made[20] = bytes.fromhex(origin)
            return bytes(made)

        hub = "06:09:16:52:00:01"
        bluez.sent = [
            (hub, COMPANY, data(decoding.SUBHUB, temperature=7000)),
            (hub, COMPANY, behind("470199", 6000)), (hub, COMPANY, behind("470123", 8475)),
        ]
        device = sensor(address=hub)
        device.open()
        assert device.read()[0].value == 34.75

    def test_another_model_at_its_address_is_refused(self, bluez):
        bluez.sent = [("06:09:16:47:01:23", COMPANY, data(56))]
        device = sensor()
        device.open()
        with pytest.raises(BadReadingError, match="is a TH2"):
            device.read()

    def test_an_adapter_that_is_off_or_missing_is_told(self, bluez):
        bluez.is_powered = False
        with pytest.raises(DeviceError, match="bluetoothctl power on"):
            sensor().open()
        with pytest.raises(DeviceMissingError, match="no Bluetooth adapter hci1"):
            sensor(adapter="hci1").open()
        bluez.adapters = []
        with pytest.raises(DeviceMissingError, match="no Bluetooth adapter"):
            sensor().open()

    def test_without_bluez_its_package_is_named(self, tmp_path, monkeypatch):
        from tests.devices.bluez import private_bus

        with private_bus(tmp_path) as address:
            monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
            with pytest.raises(LibraryMissingError, match="apt install bluez"):
                sensor().open()
        with pytest.raises(LibraryMissingError, match="apt install dbus bluez"):
            sensor().open()

    def test_a_bluez_that_refuses_says_why(self, bluez):
        device = sensor()
        device.open()
        bluez.refusal = "not today"
        with pytest.raises(DeviceError, match="BlueZ refused: not today"):
            device.read()
