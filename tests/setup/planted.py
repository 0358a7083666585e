"""A machine that a test makes: files as the kernel of a Raspberry Pi lays them out."""

from __future__ import annotations

from pathlib import Path

from beemon.setup.machine import Machine
from tests.devices.sound_cards import SoundCards

MODEL = "Raspberry Pi 4 Model B Rev 1.4\0"


class Planted:
    """An empty machine, to which a test adds devices."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.machine = Machine(root)
        self.cards = SoundCards(root / "sys")

    def write(self, path: str, text: str) -> Path:
        """A file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def link(self, path: str, target: Path) -> None:
        """A link below the root."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)

    def be_a_pi(self) -> None:
        """Say so in the device tree, have I2C pins, and a header."""
        self.write("proc/device-tree/model", MODEL)
        self.write("sys/bus/i2c/devices/i2c-1/name", "bcm2835 (i2c@7e804000)\n")
        self.write("sys/class/gpio/gpiochip512/label", "pinctrl-bcm2711\n")
        self.write("sys/class/gpio/gpiochip512/ngpio", "58\n")

    def plug_sound(self, number: int, name: str, port: str | None = None, *modes: str) -> None:
        """A sound card; ``modes`` are ``c`` for recording and ``p`` for playing."""
        self.cards.plug(number, name, port)
        folder = (self.root / f"sys/class/sound/card{number}").resolve()
        for mode in modes or ("c", "p"):
            (folder / f"pcmC{number}D0{mode}").mkdir()

    def plug_camera(self, number: int, name: str, index: int = 0, **names: str) -> None:
        """A node of a camera, with its ``names`` in ``by_id`` and ``by_path``."""
        self.write(f"sys/class/video4linux/video{number}/name", f"{name}\n")
        self.write(f"sys/class/video4linux/video{number}/index", f"{index}\n")
        node = self.write(f"dev/video{number}", "")
        for folder, link in names.items():
            self.link(f"dev/v4l/{folder.replace('_', '-')}/{link}", node)

    def add_chip(self, subsystem: str, number: int, name: str, where: str, **values: str) -> None:
        """A chip that the kernel reads, with the files of its values."""
        owner = self.root / "sys/devices" / where
        place = {"hwmon": f"hwmon/hwmon{number}", "iio": f"iio:device{number}"}[subsystem]
        link = {"hwmon": f"class/hwmon/hwmon{number}", "iio": f"bus/iio/devices/iio:device{number}"}
        chip = owner / place
        self.write(str((chip / "name").relative_to(self.root)), f"{name}\n")
        for file, value in values.items():
            (chip / file).write_text(f"{value}\n")
        if subsystem == "hwmon":
            (chip / "device").symlink_to(owner)
        self.link(f"sys/{link[subsystem]}", chip)

    def add_thermometer(self, rom: str, celsius: float | None = 34.5) -> None:
        """A 1-Wire device; one without a temperature is of another family."""
        self.write("sys/bus/w1/devices/w1_bus_master1/therm_bulk_read", "0\n")
        folder = f"sys/bus/w1/devices/{rom}"
        if celsius is None:
            self.write(f"{folder}/id", "\n")
        else:
            self.write(f"{folder}/temperature", f"{round(celsius * 1000)}\n")


def whole_pi(root: Path) -> Planted:
    """A Raspberry Pi with everything."""
    pi = Planted(root)
    pi.be_a_pi()
    pi.plug_sound(0, "vc4hdmi0", None, "p")
    pi.plug_sound(1, "Device", "1-1.2")
    pi.write("proc/asound/cards", (
        " 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0\n"
        " 1 [Device         ]: USB-Audio - USB PnP Sound Device\n"
    ))
    pi.plug_camera(0, "unicam-image", by_path="platform-fe801000.csi-video-index0")
    pi.plug_camera(1, "HD Webcam C525", by_id="usb-046d_HD_Webcam_C525-video-index0",
                   by_path="platform-1-1.3-video-index0")
    pi.plug_camera(2, "HD Webcam C525", 1, by_id="usb-046d_HD_Webcam_C525-video-index1",
                   by_path="platform-1-1.3-video-index1")
    pi.add_thermometer("28-0316a2794dff")
    pi.add_thermometer("28-0316a2794e00", 12.0)
    pi.add_chip("hwmon", 0, "cpu_thermal", "virtual/thermal", temp1_input="48000")
    pi.add_chip("hwmon", 1, "sht3x", "i2c-1/1-0044", temp1_input="34000", humidity1_input="60000")
    pi.add_chip("iio", 0, "nau7802", "i2c-1/1-002a", in_voltage0_raw="123456",
                in_voltage_scale="0.000038")
    return pi
