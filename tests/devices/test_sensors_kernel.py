"""Kernel sensors, over a sysfs tree in a temporary folder."""

from __future__ import annotations

import errno

import pytest

from beemon.devices import load
from beemon.devices._base import (
    BadReadingError,
    DeviceError,
    DeviceMissingError,
    Measurement,
    Refusal,
)
from beemon.devices.sensors import _sysfs
from beemon.devices.sensors._chips import CHIPS, PLAUSIBLE
from beemon.worker.sampling import Sampler
from tests.devices.contracts import SensorContract
from tests.devices.one_wire import Master
from tests.grounds.sysfs import Sysfs

IO_ERROR = "/proc/self/mem"  # its first byte cannot be read: the kernel answers EIO


class Kernel(Sysfs):
    """A sysfs tree, and the sensors in it."""

    def sensor(self, subsystem, device, **options):
        return self.known(device, subsystem=subsystem, **options)

    def known(self, device, **options):
        table = {"driver": "kernel", "device": device, **options}
        return load("sensor", "sensor.brood", {**table, "sysfs": str(self.root)})


@pytest.fixture
def sysfs(tmp_path):
    return Kernel(tmp_path)


def values(sensor):
    return {m.quantity: (m.value, m.unit) for m in sensor.read() if isinstance(m, Measurement)}


def refusals(sensor):
    return {r.quantity: r.reason for r in sensor.read() if isinstance(r, Refusal)}


def test_hwmon_gives_temperature_and_humidity(sysfs):
    sysfs.hwmon(0, "sht3x", temp1_input=34812, humidity1_input=61250, update_interval=0)
    sensor = sysfs.sensor("hwmon", "sht3x")
    assert values(sensor) == {"temperature": (34.812, "°C"), "humidity": (61.25, "%")}
    assert sorted(m.raw for m in sensor.read()) == [34812, 61250]


def test_hwmon_numbers_what_there_is_more_than_one_of(sysfs):
    sysfs.hwmon(0, "ads1015", in0_input=3301, in1_input=12, temp1_input=20000, temp2_input=21000)
    assert values(sysfs.sensor("hwmon", "ads1015")) == {
        "voltage0": (3.301, "V"),
        "voltage1": (0.012, "V"),
        "temperature": (20.0, "°C"),
        "temperature2": (21.0, "°C"),
    }


def test_iio_gives_processed_values_in_si_units(sysfs):
    sysfs.iio(
        0, "bme280", in_temp_input=21370, in_humidityrelative_input=55123, in_pressure_input=98.7
    )
    assert values(sysfs.sensor("iio", "bme280")) == {
        "temperature": (21.37, "°C"),
        "humidity": (55.123, "%"),
        "pressure": (98700.0, "Pa"),
    }


def test_iio_raw_values_get_their_offset_and_scale(sysfs):
    sysfs.iio(0, "si7020", in_temp_raw=6800, in_temp_offset=-4368, in_temp_scale=10.725)
    assert values(sysfs.sensor("iio", "si7020"))["temperature"][0] == pytest.approx(
        (6800 - 4368) * 10.725 / 1000
    )


def test_iio_channels_may_share_a_scale_and_keep_their_number(sysfs):
    sysfs.iio(0, "nau7802", in_voltage0_raw=8000, in_voltage1_raw=4000, in_voltage_scale=0.000095)
    read = {m.quantity: (m.raw, m.value) for m in sysfs.sensor("iio", "nau7802").read()}
    assert read == {
        "voltage0": (8000, pytest.approx(0.00076)),
        "voltage1": (4000, pytest.approx(0.00038)),
    }


def test_iio_co2_has_its_own_name(sysfs):
    sysfs.iio(0, "scd4x", in_concentration_co2_raw=850, in_concentration_co2_scale=0.0001)
    assert values(sysfs.sensor("iio", "scd4x")) == {"co2": (850.0, "ppm")}


def test_one_wire_is_found_by_its_rom_id(sysfs):
    sysfs.w1("28-0316a2795aff", temperature=34562, w1_slave="…")
    sysfs.w1("28-0316a2795b00", temperature=12000)
    assert values(sysfs.sensor("w1", "28-0316a2795aff")) == {"temperature": (34.562, "°C")}


def test_the_config_chooses_channels(sysfs):
    sysfs.hwmon(0, "sht3x", temp1_input=34812, humidity1_input=61250)
    sensor = sysfs.sensor("hwmon", "sht3x", channels=["humidity1"])
    assert values(sensor) == {"humidity": (61.25, "%")}


def test_a_channel_that_is_not_there_is_named_with_those_that_are(sysfs):
    sysfs.hwmon(0, "sht3x", temp1_input=34812)
    with pytest.raises(DeviceMissingError, match=r"humidity1; has: temp1"):
        sysfs.sensor("hwmon", "sht3x", channels=["humidity1"]).open()


def test_one_broken_channel_that_nobody_asked_for_does_no_harm(sysfs):
    device = sysfs.hwmon(0, "sht3x", temp1_input=34812)
    (device / "humidity1_input").symlink_to(IO_ERROR)
    sensor = sysfs.sensor("hwmon", "sht3x", channels=["temp1"])
    assert values(sensor) == {"temperature": (34.812, "°C")}


def test_a_missing_device_is_named_with_those_that_are_there(sysfs):
    sysfs.hwmon(0, "cpu_thermal", temp1_input=45000)
    with pytest.raises(DeviceMissingError, match=r'"sht3x".*there are: cpu_thermal') as caught:
        sysfs.sensor("hwmon", "sht3x").open()
    assert caught.value.reason == "missing-device"


def test_a_machine_without_the_subsystem_has_no_device(sysfs):
    with pytest.raises(DeviceMissingError, match="there are: none"):
        sysfs.sensor("w1", "28-0316a2795aff").open()


def test_two_chips_of_a_name_are_told_apart_by_bus_address(sysfs):
    sysfs.hwmon(0, "sht3x", address="1-0044", temp1_input=34812)
    sysfs.hwmon(1, "sht3x", address="1-0045", temp1_input=11250)
    with pytest.raises(DeviceMissingError, match="sht3x@1-0044, sht3x@1-0045; name one"):
        sysfs.sensor("hwmon", "sht3x").open()
    assert values(sysfs.sensor("hwmon", "sht3x@1-0045"))["temperature"][0] == 11.25


def test_two_iio_chips_of_a_name_are_told_apart_by_bus_address(sysfs):
    sysfs.iio(0, "bme280", address="1-0076", in_temp_input=34812)
    sysfs.iio(1, "bme280", address="1-0077", in_temp_input=11250)
    assert values(sysfs.sensor("iio", "bme280@1-0077"))["temperature"][0] == 11.25


def test_a_device_that_comes_back_under_another_number_is_read_again(sysfs):
    device = sysfs.hwmon(0, "sht3x", temp1_input=34812)
    sensor = sysfs.sensor("hwmon", "sht3x")
    sensor.open()
    sysfs.unplug(device)
    with pytest.raises(DeviceMissingError):
        sensor.read()
    sysfs.hwmon(3, "sht3x", temp1_input=30000)
    assert values(sensor)["temperature"][0] == 30.0


def test_a_failed_transfer_is_an_io_error(sysfs):
    device = sysfs.hwmon(0, "sht3x")
    (device / "temp1_input").symlink_to(IO_ERROR)
    with pytest.raises(DeviceError, match="temp1_input") as caught:
        sysfs.sensor("hwmon", "sht3x").read()
    assert caught.value.reason == "io-error"


def test_the_power_on_value_of_a_ds18b20_is_no_reading(sysfs):
    sysfs.w1("28-0316a2795aff", temperature=85000)
    with pytest.raises(BadReadingError) as caught:
        sysfs.sensor("w1", "28-0316a2795aff").read()
    assert caught.value.reason == "power-on-value"


@pytest.mark.parametrize("value", [85062, 84937])
def test_a_ds18b20_may_read_what_is_near_its_power_on_value(sysfs, value):
    sysfs.w1("28-0316a2795aff", temperature=value)
    assert values(sysfs.sensor("w1", "28-0316a2795aff"))["temperature"][0] == value / 1000


def test_other_sensors_may_read_85_degrees(sysfs):
    sysfs.hwmon(0, "cpu_thermal", temp1_input=85000)
    assert values(sysfs.sensor("hwmon", "cpu_thermal"))["temperature"][0] == 85.0


@pytest.mark.parametrize("milli", [125001, -40001])
def test_what_the_chip_cannot_measure_is_out_of_range(sysfs, milli):
    sysfs.hwmon(0, "sht3x", temp1_input=milli)
    with pytest.raises(BadReadingError, match="sht3x") as caught:
        sysfs.sensor("hwmon", "sht3x").read()
    assert caught.value.reason == "out-of-range"


def test_an_unknown_chip_is_read_within_what_can_be_true(sysfs):
    device = sysfs.hwmon(0, "newchip", temp1_input=-59000, humidity1_input=50000)
    assert values(sysfs.sensor("hwmon", "newchip"))["temperature"][0] == -59.0
    (device / "humidity1_input").write_text("101000\n")
    refused = {m.quantity: m for m in sysfs.sensor("hwmon", "newchip").read()}["humidity"]
    assert isinstance(refused, Refusal)
    assert (refused.unit, refused.reason) == ("%", "out-of-range")


def test_where_no_channel_gives_a_value_the_read_fails(sysfs):
    sysfs.hwmon(0, "newchip", temp1_input=999000, humidity1_input=101000)
    with pytest.raises(BadReadingError):
        sysfs.sensor("hwmon", "newchip").read()


@pytest.mark.parametrize("text", ["", "garbage", "nan"])
def test_what_is_not_a_number_is_no_reading(sysfs, text):
    sysfs.w1("28-0316a2795aff", temperature=text)
    with pytest.raises(BadReadingError) as caught:
        sysfs.sensor("w1", "28-0316a2795aff").read()
    assert caught.value.reason == "not-a-number"


def test_a_subsystem_is_one_of_three():
    with pytest.raises(ValueError, match="subsystem"):
        load("sensor", "sensor.x", {"driver": "kernel", "subsystem": "i2c", "device": "sht3x"})


@pytest.mark.parametrize(("raw", "volts"), [(0x800000, 0.0), (0x801000, 0.00038912),
                                            (0x7FF000, -0.00038912)])
def test_an_hx711_has_nought_in_the_middle_of_its_range(sysfs, raw, volts):
    sysfs.iio(0, "hx711", in_voltage0_raw=raw, in_voltage_scale=0.000095)
    [said] = sysfs.sensor("iio", "hx711").read()
    assert (said.value, said.raw) == (pytest.approx(volts), raw)


# Chips that are known by name

@pytest.mark.parametrize("name", CHIPS)
def test_a_chip_that_is_missing_is_told_with_what_a_pi_needs_to_have_it(sysfs, name):
    device = "28-0316a2795aff" if name == "ds18b20" else name
    with pytest.raises(DeviceMissingError) as caught:
        sysfs.known(device).open()
    assert f"needs {CHIPS[name].boot} in /boot/firmware/config.txt" in str(caught.value)


def test_of_a_chip_that_is_not_known_nothing_is_said(sysfs):
    with pytest.raises(DeviceMissingError, match=r"there are: none$"):
        sysfs.sensor("hwmon", "newchip").open()


def test_a_known_chip_needs_no_subsystem(sysfs):
    sysfs.iio(0, "bme280", in_temp_input=21370)
    sysfs.hwmon(0, "sht3x", address="1-0045", temp1_input=21371)
    sysfs.w1("28-0316a2795aff", temperature=21372)
    for device, value in (
        ("bme280", 21.37), ("sht3x@1-0045", 21.371), ("28-0316a2795aff", 21.372),
    ):
        assert values(sysfs.known(device))["temperature"][0] == value


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "28-0316A2794DFF"}, 'did you mean "28-0316a2794dff"'),
        ({"device": "280316a2794dff"}, 'did you mean "28-0316a2794dff"'),
        ({"device": "ds18b20"}, 'needs its own 1-Wire id, such as device = "28-0316a2794dff"'),
        ({"device": "DS18B20"}, "ls /sys/bus/w1/devices"),
        ({"device": "bme28"}, r'not a chip that beemon knows by name; did you mean "bme280"'),
        ({"device": "bme280", "subsystem": "hwmon"}, 'is read by iio: leave "subsystem" out'),
        ({"device": "sht4x", "heater_above": 20.0}, "heater_above"),
        ({"device": "sht4x", "heater_every": "10s"}, "at least 1m"),
    ],
)
def test_options_must_fit(options, said):
    with pytest.raises(ValueError, match=said):
        load("sensor", "sensor.x", {"driver": "kernel", **options})


def test_ranges_hold_for_every_known_chip_and_quantity(sysfs):
    for name, chip in CHIPS.items():
        assert chip.subsystem in ("hwmon", "iio", "w1"), name
        for quantity, (low, high) in chip.ranges.items():
            assert PLAUSIBLE[quantity][0] <= low < high <= PLAUSIBLE[quantity][1], name


def test_air_without_co2_is_none(sysfs):
    sysfs.iio(0, "scd4x", in_concentration_co2_raw=0, in_concentration_co2_scale=0.0001)
    with pytest.raises(BadReadingError) as caught:
        sysfs.known("scd4x").read()
    assert caught.value.reason == "out-of-range"


# What is known of a chip before a number of its is told

def test_a_chip_above_full_humidity_is_at_full_humidity(sysfs):
    chip = sysfs.hwmon(0, "sht4x", temp1_input=4210, humidity1_input=0)
    told = {}
    for raw in (104316, 119000, -1, -6000, 0):
        (chip / "humidity1_input").write_text(f"{raw}\n")
        told |= {m.raw: m.value for m in sysfs.known("sht4x").read() if m.quantity == "humidity"}
    assert told == {104316: 100.0, 119000: 100.0, -1: 0.0, -6000: 0.0, 0: 0.0}


@pytest.mark.parametrize("raw", [119001, -6001])
def test_what_is_beyond_a_chips_formula_is_out_of_range(sysfs, raw):
    sysfs.hwmon(0, "sht4x", temp1_input=4210, humidity1_input=raw)
    assert refusals(sysfs.known("sht4x")) == {"humidity": "out-of-range"}


def test_no_air_is_without_humidity(sysfs):
    sysfs.iio(0, "bme280", in_temp_input=21030, in_pressure_input=98.1,
              in_humidityrelative_input=0)
    sysfs.hwmon(0, "newchip", temp1_input=21030, humidity1_input=0)
    for sensor in (sysfs.known("bme280"), sysfs.sensor("hwmon", "newchip")):
        assert refusals(sensor) == {"humidity": "out-of-range"}


def test_a_chip_that_lacks_what_its_name_promises_says_so(sysfs):
    sysfs.iio(0, "bme280", in_temp_input=21030, in_pressure_input=98.1)
    [refused] = [one for one in sysfs.known("bme280").read() if isinstance(one, Refusal)]
    assert (refused.quantity, refused.unit, refused.reason) == ("humidity", "%", "missing-device")
    assert 'set channels = ["in_pressure", "in_temp"]' in refused.message
    assert refusals(sysfs.known("bme280", channels=["in_pressure", "in_temp"])) == {}


@pytest.mark.parametrize("family", ["10", "22", "28", "3b", "42"])
def test_a_one_wire_thermometer_is_in_thousandths_of_a_degree(sysfs, family):
    sysfs.w1(f"{family}-0316a2795aff", temperature=6048)
    assert values(sysfs.known(f"{family}-0316a2795aff")) == {"temperature": (6.048, "°C")}


def test_a_battery_monitor_on_one_wire_is_in_parts_of_256(sysfs):
    chip = sysfs.w1("26-000001a2b3c4", temperature=6048)
    assert values(sysfs.known("26-000001a2b3c4")) == {"temperature": (23.625, "°C")}
    (chip / "temperature").write_text("85000\n")
    with pytest.raises(BadReadingError, match="332"):
        sysfs.known("26-000001a2b3c4").read()


def test_a_one_wire_family_whose_unit_is_not_known_is_refused(sysfs):
    sysfs.w1("1d-000001a2b3c4", temperature=6048)
    with pytest.raises(ValueError, match="begin with 10, 22, 26, 28, 3b, 42"):
        sysfs.known("1d-000001a2b3c4")


@pytest.mark.parametrize("raw", [-(2**23), 2**23 - 1])
def test_a_nau7802_at_the_end_of_its_range_is_no_weight(sysfs, raw):
    sysfs.iio(0, "nau7802", in_voltage0_raw=raw, in_voltage_scale=0.000095)
    with pytest.raises(BadReadingError, match="end of its range") as caught:
        sysfs.known("nau7802").read()
    assert caught.value.reason == "out-of-range"


def test_a_one_wire_thermometer_in_hwmon_has_its_power_on_value_too(sysfs):
    sysfs.hwmon(0, "w1_slave_temp", temp1_input=85000)
    with pytest.raises(BadReadingError) as caught:
        sysfs.sensor("hwmon", "w1_slave_temp").read()
    assert caught.value.reason == "power-on-value"


def test_an_scd4x_at_the_end_of_its_range_measured_nothing(sysfs):
    sysfs.iio(0, "scd4x", in_concentration_co2_raw=40_000, in_concentration_co2_scale=0.0001)
    with pytest.raises(BadReadingError, match="end of its range"):
        sysfs.known("scd4x").read()


def test_a_fault_that_the_kernel_tells_of_is_no_reading(sysfs):
    chip = sysfs.hwmon(0, "adt7470", temp1_input=21000, temp1_fault=0, temp1_max_alarm=1,
                       temp2_input=22000, temp2_fault=1)
    sensor = sysfs.sensor("hwmon", "adt7470")
    assert values(sensor) == {"temperature": (21.0, "°C")}
    assert refusals(sensor) == {"temperature2": "device-error"}
    (chip / "temp2_fault").write_text("0\n")
    assert set(values(sensor)) == {"temperature", "temperature2"}


def test_a_broken_thermocouple_is_no_reading(sysfs):
    sysfs.iio(0, "max31856", in_temp_raw=1600, in_temp_scale=7.8125, fault_oc=1, fault_ovuv=0)
    with pytest.raises(BadReadingError, match="fault_oc"):
        sysfs.sensor("iio", "max31856").read()


# Together

def test_sensors_on_one_bus_convert_together(sysfs):
    for rom, value in (("28-000000000001", 34000), ("28-000000000002", 35000)):
        sysfs.w1(rom, temperature=value)
    master = Master(sysfs.root / "devices/w1_bus_master1")
    first, second = sysfs.known("28-000000000001"), sysfs.known("28-000000000002")
    assert values(first)["temperature"][0] == 34.0
    assert values(second)["temperature"][0] == 35.0
    assert master.conversions == 1  # what the first one started was fresh
    values(second)
    assert master.conversions == 2
    master.close()


# Drying

@pytest.fixture
def sht4x(sysfs):
    return sysfs.hwmon(
        0, "sht4x", temp1_input=34812, humidity1_input=99000, heater_enable=0, heater_power=200
    )


def test_a_wet_chip_is_dried_and_says_so_from_then_on(sysfs, sht4x):
    sensor = sysfs.known("sht4x", heater_above=95.0)
    wet = {m.quantity: m for m in sensor.read()}
    assert (sht4x / "heater_enable").read_text() == "1\n"
    assert (wet["heater"].value, wet["humidity"].quality) == (1.0, "good")
    warm = {m.quantity: m for m in sensor.read()}
    assert (warm["heater"].value, warm["humidity"].value) == (0.0, 99.0)
    assert {warm[quantity].quality for quantity in ("temperature", "humidity")} == {"heated"}


def test_a_chip_that_is_wetter_than_its_range_is_dried(sysfs, sht4x):
    (sht4x / "humidity1_input").write_text("104316\n")
    assert values(sysfs.known("sht4x", heater_above=100.0))["heater"] == (1.0, "")


def test_a_dry_chip_is_left_alone(sysfs, sht4x):
    (sht4x / "humidity1_input").write_text("94000\n")
    sensor = sysfs.known("sht4x", heater_above=95.0)
    assert values(sensor)["heater"] == (0.0, "")
    assert (sht4x / "heater_enable").read_text() == "0\n"


def test_without_the_option_nothing_is_heated(sysfs, sht4x):
    assert "heater" not in values(sysfs.known("sht4x"))
    assert (sht4x / "heater_enable").read_text() == "0\n"


def test_a_heater_that_is_not_there_costs_no_reading(sysfs, sht4x):
    (sht4x / "heater_enable").unlink()
    said = {m.quantity: m for m in sysfs.known("sht4x", heater_above=95.0).read()}
    assert said["humidity"].value == 99.0
    assert said["heater"].reason == "missing-device"
    assert "Linux 6.13" in said["heater"].message


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00", b"", b"nan", b"inf", b"1e999"])
def test_what_is_no_number_is_no_reading(sysfs, garbage):
    scale = sysfs.iio(0, "hx711", in_voltage0_raw=0, in_voltage_scale=0.000095)
    (scale / "in_voltage0_raw").write_bytes(garbage)
    with pytest.raises(BadReadingError) as caught:
        sysfs.known("hx711").read()
    assert caught.value.reason == "not-a-number"


class TestContract(SensorContract):
    @pytest.fixture
    def device(self, sysfs):
        sysfs.hwmon(0, "sht3x", temp1_input=34812, humidity1_input=61250)
        return sysfs.sensor("hwmon", "sht3x")


# A dead HX711: the kernel's driver counts from the lower end of the range, so that the data
# line's ones are 0x7fffff, and the ends of the range 0 and 0xffffff

@pytest.mark.parametrize(
    ("raw", "reason"),
    [(0x7FFFFF, "all-ones"), (0, "out-of-range"), (0xFFFFFF, "out-of-range")],
)
def test_the_word_of_a_dead_or_saturated_hx711_is_no_weight(sysfs, raw, reason):
    sysfs.iio(0, "hx711", in_voltage0_raw=raw, in_voltage_scale=0.000095)
    with pytest.raises(BadReadingError) as caught:
        sysfs.sensor("iio", "hx711").read()
    assert caught.value.reason == reason


def test_a_noisy_hx711_is_read_as_a_trimmed_mean_of_its_raw_numbers(sysfs):
    sysfs.iio(0, "hx711", in_voltage0_raw=8_500_000, in_voltage_scale=0.000095)
    [said] = Sampler().read(sysfs.sensor("iio", "hx711", samples=5))
    assert said.raw == 8_500_000


def test_a_chip_of_fine_steps_that_does_not_move_is_stuck_and_others_are_not(sysfs):
    sysfs.hwmon(0, "sht3x", temp1_input=34812, humidity1_input=100000)
    sysfs.w1("28-0316a2794dff", temperature="0")
    sht3x = {m.quantity: m.stuck_after for m in sysfs.sensor("hwmon", "sht3x").read()}
    assert sht3x == {"temperature": 86400, "humidity": None}
    [said] = sysfs.sensor("w1", "28-0316a2794dff").read()
    assert said.stuck_after == 60 * 86400


def test_a_wrong_checksum_is_told_apart_from_a_device_that_does_not_answer():
    assert _sysfs.error_of(OSError(errno.EBADMSG, "Bad message"), "/sys/x").reason == "crc"
    assert _sysfs.error_of(OSError(errno.EIO, "I/O error"), "/sys/x").reason == "io-error"
    assert _sysfs.error_of(OSError(errno.ENODEV, "gone"), "/sys/x").reason == "missing-device"


class TestHeaterContract(SensorContract):
    @pytest.fixture
    def device(self, sysfs, sht4x):
        return sysfs.known("sht4x", heater_above=95.0)
