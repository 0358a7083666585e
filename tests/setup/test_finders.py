"""The finders, on machines that are planted in a folder."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from beemon.cli import main as cli
from beemon.config import settings as config
from beemon.devices.ask import resolve_devices
from beemon.setup import finders
from beemon.setup.candidates import Candidate, Obstacle
from beemon.setup.finders import (
    i2c_addresses,
    kernel_chips,
    one_wire,
    pi_cameras,
    pins,
    sound_cards,
    usb_cameras,
)
from beemon.setup.inventory import take_inventory, to_toml
from tests.setup.planted import Planted, whole_pi


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "machine")


def options(found: object) -> list[object]:
    """The option that says which hardware each candidate is."""
    return [
        one.options.get("card") or one.options.get("device")
        for one in found if isinstance(one, Candidate)  # type: ignore[attr-defined]
    ]


def obstacles(found: object) -> str:
    return "\n".join(
        f"{one.what}: {one.why}: {one.next}"
        for one in found if isinstance(one, Obstacle)  # type: ignore[attr-defined]
    )


def test_every_finder_is_found_by_its_file():
    assert finders.names() == ["i2c_addresses", "kernel_chips", "one_wire", "pi_cameras", "pins",
                               "sound_cards", "usb_cameras"]


# Sound cards

def test_a_card_that_records_is_named_by_its_id(planted):
    planted.plug_sound(0, "Device", "1-1.2")
    assert options(sound_cards.find(planted.machine)) == ["CARD=Device"]


def test_a_card_that_only_plays_is_left_out(planted):
    planted.plug_sound(0, "vc4hdmi0", None, "p")
    assert [*sound_cards.find(planted.machine)] == []


def test_two_equal_cards_are_named_by_their_ports(planted):
    planted.plug_sound(1, "Device", "1-1.2")
    planted.plug_sound(2, "Device_1", "1-1.3")
    planted.plug_sound(3, "Other", "1-1.4")
    assert options(sound_cards.find(planted.machine)) == [
        "usb-0000:01:00.0-1.2", "usb-0000:01:00.0-1.3", "CARD=Other"
    ]


def test_a_card_whose_second_device_records_says_so(planted):
    planted.plug_sound(0, "Codec", None, "p")
    (planted.root / "sys/class/sound/card0/pcmC0D1c").mkdir()
    assert options(sound_cards.find(planted.machine)) == ["CARD=Codec,DEV=1"]


def test_a_card_that_is_being_unplugged_is_left_out(planted):
    planted.plug_sound(0, "Device", "1-1.2")
    (planted.root / "sys/class/sound/card0/id").unlink()
    assert [*sound_cards.find(planted.machine)] == []


@pytest.mark.parametrize(("rates", "wanted"), [
    ("44100, 48000", {}), ("8000 - 96000 (continuous)", {}), ("8000, 16000", {"rate": 16000}),
    ("96000", {"rate": 96000}),
])
def test_the_rate_is_one_that_the_card_has(planted, rates, wanted):
    planted.plug_sound(0, "Device", "1-1.2")
    planted.write("proc/asound/card0/stream0", (
        "Playback:\n  Interface 1\n    Rates: 11025\nCapture:\n  Interface 2\n"
        f"    Format: S16_LE\n    Rates: {rates}\n"
    ))
    [found] = sound_cards.find(planted.machine)
    assert {"rate": found.options["rate"]} if "rate" in found.options else wanted == {}


@pytest.mark.process
def test_a_name_with_a_line_break_stays_a_comment(planted):
    planted.add_chip("hwmon", 0, "x\n[server]\nlistening_port = 1", "i2c-1/1-0048", temp1_input="1")
    told = to_toml(take_inventory(planted.machine, {}))
    assert "server" not in tomllib.loads(told)


def test_an_i2s_microphone_has_one_side_and_long_samples(planted):
    planted.plug_sound(0, "sndrpigooglevoi", None, "c")
    [found] = sound_cards.find(planted.machine)
    assert (found.options["format"], found.options["slot"]) == ("S32_LE", "left")


# Cameras

def test_a_camera_is_named_by_its_id_and_its_second_node_left_out(planted):
    planted.plug_camera(0, "Cam", by_id="usb-Cam-video-index0", by_path="p-index0")
    planted.plug_camera(1, "Cam", 1, by_id="usb-Cam-video-index1", by_path="p-index1")
    assert options(usb_cameras.find(planted.machine)) == ["/dev/v4l/by-id/usb-Cam-video-index0"]


def test_two_equal_cameras_are_named_by_their_ports(planted):
    planted.plug_camera(0, "Cam", by_id="usb-Cam-video-index0", by_path="a-video-index0")
    planted.plug_camera(2, "Cam", by_path="b-video-index0")
    assert options(usb_cameras.find(planted.machine)) == [
        "/dev/v4l/by-path/a-video-index0", "/dev/v4l/by-path/b-video-index0"
    ]


def test_nodes_of_the_pis_own_camera_are_left_to_libcamera(planted):
    for number, name in enumerate(("unicam-image", "bcm2835-isp-output0", "rp1-cfe-csi2_ch0")):
        planted.plug_camera(number, name, by_path=f"{name}-index0")
    assert [*usb_cameras.find(planted.machine)] == []


def test_a_camera_without_a_lasting_name_is_an_obstacle(planted):
    planted.plug_camera(0, "Cam")
    assert "it has no name in /dev/v4l" in obstacles(usb_cameras.find(planted.machine))


def test_a_camera_whose_node_is_gone_is_an_obstacle(planted):
    planted.plug_camera(0, "Cam", by_id="usb-Cam-video-index0")
    (planted.root / "dev/video0").unlink()
    assert "No such file" in obstacles(usb_cameras.find(planted.machine))


# A Pi's own cameras

FAKE_LIBRARY = """
class Picamera2:
    @staticmethod
    def global_camera_info():
        {body}
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Put a picamera2 with this answer in the way of the real one."""
    def put(body: str) -> None:
        (tmp_path / "picamera2.py").write_text(FAKE_LIBRARY.format(body=body))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return put


@pytest.mark.process
def test_libcamera_lists_the_cameras_at_ribbon_cables(planted, library):
    library("""return [
            {"Model": "imx708", "Num": 0, "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a"},
            {"Model": "C525", "Num": 1, "Id": "/base/scb/pcie@7d500000/usb@0,0-1:1.0-046d:0826"},
        ]""")
    [found] = pi_cameras.find(planted.machine)
    assert found.options == {"driver": "picamera2", "camera": 0}
    assert found.is_same("camera", {"driver": "picamera2"})


@pytest.mark.process
def test_a_libcamera_that_fails_is_an_obstacle(planted, library):
    library("raise RuntimeError('no media device')")
    assert "no media device" in obstacles(pi_cameras.find(planted.machine))


@pytest.mark.process
def test_a_libcamera_that_hangs_is_left_alone_after_a_while(planted, library):
    library("import time; time.sleep(60)")
    assert "did not answer" in obstacles(pi_cameras.find(planted.machine, seconds=0.5))


@pytest.mark.process
def test_a_pi_without_the_library_says_the_package(planted, tmp_path, monkeypatch):
    (tmp_path / "picamera2.py").write_text("raise ImportError('none')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert [*pi_cameras.find(planted.machine)] == []
    planted.be_a_pi()
    assert "sudo apt install python3-picamera2" in obstacles(pi_cameras.find(planted.machine))


# Chips

def test_thermometers_are_named_by_their_ids(planted):
    planted.add_thermometer("28-0316a2794dff")
    planted.add_thermometer("3b-000000000001")
    assert options(one_wire.find(planted.machine)) == ["28-0316a2794dff", "3b-000000000001"]


def test_noise_on_a_one_wire_bus_needs_a_resistor(planted):
    planted.add_thermometer("00-800000000000", None)
    assert "4.7 kOhm" in obstacles(one_wire.find(planted.machine))


def test_a_one_wire_bus_without_sensors_is_an_obstacle(planted):
    planted.write("sys/bus/w1/devices/w1_bus_master1/therm_bulk_read", "0\n")
    assert "no thermometer answers" in obstacles(one_wire.find(planted.machine))


def test_chips_of_the_computer_itself_are_left_out(planted):
    planted.add_chip("hwmon", 0, "cpu_thermal", "virtual/thermal", temp1_input="48000")
    planted.add_chip("hwmon", 1, "rpi_volt", "platform/soc", in0_lcrit_alarm="0")
    assert [*kernel_chips.find(planted.machine)] == []


def test_an_accelerometer_has_a_driver_of_its_own(planted):
    planted.add_chip("iio", 0, "lis3dh", "i2c-1/1-0018", in_accel_x_raw="3")
    assert "no buffer for its samples" in obstacles(kernel_chips.find(planted.machine))
    (planted.root / "sys/bus/iio/devices/iio:device0/scan_elements").mkdir()
    (planted.root / "sys/bus/iio/devices/iio:device0/scan_elements/in_accel_x_en").touch()
    (found,) = kernel_chips.find(planted.machine)
    assert (found.name, found.what) == ("sensor.comb", "the chip lis3dh at 1-0018")
    assert found.options["driver"] == "accelerometer"
    assert found.options["device"] == "lis3dh"


def test_two_chips_of_one_name_have_their_addresses(planted):
    for number, address in enumerate(("0044", "0045")):
        planted.add_chip("hwmon", number, "sht3x", f"i2c-1/1-{address}", temp1_input="34000")
    assert options(kernel_chips.find(planted.machine)) == ["sht3x@1-0044", "sht3x@1-0045"]


def test_a_chip_that_beemon_does_not_know_has_its_subsystem(planted):
    planted.add_chip("hwmon", 0, "lm75", "i2c-1/1-0048", temp1_input="25500")
    [found] = kernel_chips.find(planted.machine)
    assert found.options["subsystem"] == "hwmon"


def test_a_chip_without_values_is_an_obstacle(planted):
    planted.add_chip("iio", 0, "bme280", "i2c-1/1-0076")
    assert "the kernel shows no value" in obstacles(kernel_chips.find(planted.machine))


def test_a_chip_without_a_name_is_left_out(planted):
    (planted.root / "sys/class/hwmon/hwmon0").mkdir(parents=True)
    assert [*kernel_chips.find(planted.machine)] == []


def test_a_chip_that_waits_for_its_driver_is_an_obstacle(planted):
    planted.be_a_pi()
    planted.write("sys/bus/i2c/devices/i2c-1/1-0044/name", "sht3x\n")
    told = obstacles(i2c_addresses.find(planted.machine))
    assert "the chip sht3x at 1-0044: no driver of the kernel took it" in told
    assert "sudo modprobe i2c-dev" in told


def test_a_node_that_is_no_bus_answers_nothing(planted):
    planted.be_a_pi()
    planted.write("dev/i2c-1", "")
    assert [*i2c_addresses.find(planted.machine)] == []


def test_a_pi_without_its_bus_says_how_to_switch_it_on(planted):
    planted.write("proc/device-tree/model", "Raspberry Pi 5")
    assert "raspi-config nonint do_i2c 0" in obstacles(i2c_addresses.find(planted.machine))


def test_pins_are_told_with_the_devices_that_cannot_be_found(planted):
    planted.be_a_pi()
    assert "58 GPIO pins (pinctrl-bcm2711)" in obstacles(pins.find(planted.machine))


# All of them

@pytest.mark.process
def test_an_empty_machine_has_nothing(planted):
    inventory = take_inventory(planted.machine, {})
    assert (inventory.new, inventory.known, inventory.obstacles) == ((), {}, ())


@pytest.mark.process
def test_a_whole_pi_is_a_config_that_passes_the_check(tmp_path, capsys):
    pi = whole_pi(tmp_path / "pi")
    main = tmp_path / "beemon.toml"
    line = ["find", "--config", str(main), "--root", str(pi.root)]
    main.write_text("")
    assert cli.main(line) == 0
    told = capsys.readouterr().out
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/found.toml").write_text(told)
    settings = config.load(main)
    assert resolve_devices(settings.devices)[1] == []
    assert {*settings.devices} >= {
        "microphone.brood", "sensor.brood", "sensor.brood2", "sensor.brood3", "sensor.scale"
    }
    assert cli.main([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["new"] == []
    assert {one["name"] for one in found["known"]} == {*settings.devices}


@pytest.mark.parametrize(("kind", "table"), [
    ("microphone", {"driver": "alsa", "card": "usb-0000:01:00.0-1.2"}),
    ("microphone", {"driver": "alsa", "pcm": "plughw:CARD=Device,DEV=0"}),
    ("sensor", {"driver": "kernel", "device": "sht3x@1-0044"}),
])
def test_a_device_is_known_by_each_of_its_names(tmp_path, kind, table):
    pi = whole_pi(tmp_path)
    found = [one for finder in (sound_cards, kernel_chips) for one in finder.find(pi.machine)]
    assert sum(one.is_same(kind, table) for one in found if isinstance(one, Candidate)) == 1


@pytest.mark.process
def test_a_found_obstacle_is_a_comment(planted):
    planted.plug_camera(0, "Cam")
    told = to_toml(take_inventory(planted.machine, {}))
    assert "\n# the camera Cam\n#   it has no name in /dev/v4l, only a number\n#   sudo " in told
    assert all(line.startswith("#") or not line for line in told.split("\n"))
