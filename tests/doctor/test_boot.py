"""config.txt in the forms of Raspberry Pi OS: each is completed so that the firmware obeys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.firmware import Firmware
from tests.doctor.planted_machine import Planted

pytestmark = pytest.mark.process

SENSORS = """
[sensor.air]
driver = "kernel"
device = "sht3x"
[sensor.brood]
driver = "kernel"
device = "28-0316a2794dff"
[sensor.light]
driver = "kernel"
device = "tsl2591"
[sensor.battery]
driver = "mcp3008"
channel = 0
"""
PI_OS = """\
# The comments and their keys stand here as in the image.
#dtparam=i2c_arm=on
#dtparam=spi=on

dtparam=audio=on
camera_auto_detect=1
auto_initramfs=1
dtoverlay=vc4-kms-v3d
max_framebuffers=2
arm_64bit=1

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[all]
"""
WANTED = "dtparam=i2c_arm=on\ndtparam=spi=on\ndtoverlay=i2c-sensor,sht3x\n" \
         "dtoverlay=w1-gpio\ndtoverlay=beemon-i2c,tsl2591\n"
INCOMPLETE = {
    "as delivered": PI_OS,
    "switched off": f"{PI_OS}dtparam=i2c_arm=off\ndtparam=spi=off",
    "switched off last": f"{WANTED}dtparam=i2c_arm=off,spi=off\n",
    "no last newline": PI_OS.rstrip(),
    "written on Windows": PI_OS.replace("\n", "\r\n"),
    "a comment in Latin-1": f"{PI_OS}# Bienenhaus Süd\n",
    "empty": "",
    "for other models": f"[pi3]\n{WANTED}",
    "for another model, then for this one": "[pi5]\n" + WANTED.replace("light", "x") + "[pi4]\n",
    "for another computer module": f"[cm4]\n{WANTED}",
    "for nobody": f"[none]\n{WANTED}[pi4]\n",
    "for a pin and this model": f"[gpio4=1]\n[pi4]\n{WANTED}",
    "for a trial": f"[tryboot]\n{WANTED}",
    "behind a comment": "".join(f"# {line}\n" for line in WANTED.splitlines()),
    "with words behind": "".join(f"{line} # bees\n" for line in WANTED.splitlines()),
    "beyond the end of a line": "".join(f"{' ' * 90}{line}\n" for line in WANTED.splitlines()),
    "included for another model": "[pi5]\ninclude more.txt\n",
    "included is the end of a filter": "include pi5.txt\n" + WANTED,
}
COMPLETE = {
    "as beemon adds it": PI_OS + WANTED,
    "for this model": f"[pi3]\narm_boost=0\n[pi4]\n{WANTED}",
    "for a monitor": f"[HDMI:1]\n{WANTED}",
    "by other names": WANTED.replace("i2c_arm=on", "i2c").replace("spi=on", "spi=yes"),
    "with addresses and pins": WANTED.replace("sht3x", "sht3x,addr=0x45").replace(
        "w1-gpio", "w1-gpio,gpiopin=17"),
    "two chips in a line": WANTED.replace("sht3x", "bme280,addr=0x77,sht3x"),
    "in lines of their own": WANTED.replace(",sht3x", "\ndtparam=sht3x"),
    "included": f"{PI_OS}include more.txt\n",
}


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """A Raspberry Pi 4 whose buses for sensors are off, and those of its monitors on."""
    planted = Planted(tmp_path, monkeypatch)
    planted.plant("etc/beemon/beemon.toml", SENSORS)
    (planted.root / "sys/bus/i2c/devices/i2c-1").rename(
        planted.root / "sys/bus/i2c/devices/i2c-20")
    planted.plant("dev/spidev10.0", "")
    planted.plant("boot/firmware/more.txt", WANTED)
    planted.plant("boot/firmware/pi5.txt", "[pi5]\n")
    return planted


def config_txt(planted: Planted, text: str) -> Path:
    path = planted.root / "boot/firmware/config.txt"
    path.write_bytes(text.encode("latin-1"))
    return path


def is_obeyed(path: Path) -> bool:
    """Whether a Raspberry Pi 4 has the buses and the overlays after a start with the file."""
    booted = Firmware(frozenset({"pi4", "HDMI:1"})).read(path)
    return booted.base.get("i2c_arm", booted.base.get("i2c")) in ("on", "") \
        and booted.base.get("spi") in ("on", "yes") \
        and "sht3x" in booted.overlays.get("i2c-sensor", ()) \
        and "tsl2591" in booted.overlays.get("beemon-i2c", ()) and "w1-gpio" in booted.overlays


@pytest.mark.parametrize("file", INCOMPLETE)
def test_what_the_firmware_would_not_do_is_told_and_added(planted: Planted, file: str) -> None:
    path = config_txt(planted, INCOMPLETE[file])
    assert not is_obeyed(path)
    assert "problem" in {*planted.states("overlays"), *planted.states("buses")}
    done = [planted.fix(check) for check in ("buses", "overlays")]
    assert any(one.startswith("added ") for one in done)
    assert is_obeyed(path)
    assert path.read_bytes().startswith(INCOMPLETE[file].rstrip().encode("latin-1"))
    assert planted.states("overlays") == ["ok"]


@pytest.mark.parametrize("file", COMPLETE)
def test_a_file_that_suffices_is_left_as_it_is(planted: Planted, file: str) -> None:
    path = config_txt(planted, COMPLETE[file])
    assert is_obeyed(path)
    assert planted.states("overlays") == ["ok"]
    assert planted.fix("buses") == "NOT restart the machine: sudo reboot"
    planted.fix("overlays")
    assert path.read_bytes() == COMPLETE[file].encode("latin-1")


def test_mended_twice_it_is_changed_once(planted: Planted) -> None:
    path = config_txt(planted, PI_OS)
    for check in ("buses", "overlays", "buses", "overlays"):
        planted.fix(check)
    text = path.read_text()
    assert [text.count(line) for line in WANTED.split()] == [2, 2, 1, 1, 1]  # 2: and a comment
    assert len(list(path.parent.glob("config.txt.before-beemon-*"))) in (1, 2)  # one a second


MODELS = {
    "Raspberry Pi Zero W Rev 1.1": {"pi0", "pi0w"},
    "Raspberry Pi Zero 2 W Rev 1.0": {"pi0", "pi0w", "pi02"},
    "Raspberry Pi Model B Plus Rev 1.2": {"pi1"},
    "Raspberry Pi 2 Model B Rev 1.1": {"pi2"},
    "Raspberry Pi 3 Model B Rev 1.2": {"pi3"},
    "Raspberry Pi 3 Model B Plus Rev 1.3": {"pi3", "pi3+"},
    "Raspberry Pi 4 Model B Rev 1.4": {"pi4"},
    "Raspberry Pi 400 Rev 1.0": {"pi4", "pi400"},
    "Raspberry Pi Compute Module 4 Rev 1.0": {"pi4", "cm4"},
    "Raspberry Pi Compute Module 4S Rev 1.0": {"pi4", "cm4s"},
    "Raspberry Pi 5 Model B Rev 1.0": {"pi5"},
    "Raspberry Pi 500 Rev 1.0": {"pi5", "pi500"},
    "Raspberry Pi Compute Module 5 Rev 1.0": {"pi5", "cm5"},
}
"""The name of each model in its device tree, and the filters that are true on it."""


@pytest.mark.parametrize("model", MODELS)
def test_each_model_sees_the_lines_that_are_for_it(planted: Planted, model: str) -> None:
    planted.plant("proc/device-tree/model", f"{model}\0")
    seen = set()
    for name in {one for some in MODELS.values() for one in some}:
        config_txt(planted, f"[{name}]\n{WANTED}")
        seen |= {name} if planted.states("overlays") == ["ok"] else set()
    assert seen == MODELS[model]
