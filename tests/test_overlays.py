"""The device-tree overlays: they compile without a warning, apply to a Pi's tree, and fit it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from beemon.devices.sensors._chips import CHIPS

OVERLAYS = Path(__file__).parent.parent / "debian/overlays"

BASE = """/dts-v1/;
/ {
    gpio: gpio { #gpio-cells = <2>; };
    soc { i2c_arm: i2c { #address-cells = <1>; #size-cells = <0>; }; };
};
"""
"""What the overlays ask of a Pi's own tree: its GPIO controller and its I2C bus."""

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not shutil.which("dtc"), reason="no device-tree-compiler"),
]


def run(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def compiled(name: str, folder: Path) -> Path:
    """Made by the command that the source itself gives."""
    source, binary = OVERLAYS / f"{name}.dts", folder / f"{name}.dtbo"
    [command] = re.findall(r"^//   (dtc .*)$", source.read_text(), re.MULTILINE)
    boot = f"/boot/firmware/overlays/{binary.name}"
    assert {boot, source.name} <= set(command.split())
    run(*[{boot: binary, source.name: source}.get(word, word) for word in command.split()])
    return binary


def applied(overlay: Path, folder: Path) -> Path:
    (folder / "base.dts").write_text(BASE)
    run("dtc", "-@", "-I", "dts", "-O", "dtb", "-o", folder / "base.dtb", folder / "base.dts")
    run("fdtoverlay", "-i", folder / "base.dtb", "-o", folder / "pi.dtb", overlay)
    return folder / "pi.dtb"


@pytest.mark.parametrize("name", [file.stem for file in sorted(OVERLAYS.glob("*.dts"))])
def test_each_compiles_without_a_warning(name, tmp_path):
    compiled(name, tmp_path)


def test_a_pi_with_the_scales_overlay_has_the_scale(tmp_path):
    pi = applied(compiled("beemon-hx711", tmp_path), tmp_path)
    assert run("fdtget", pi, "/hx711", "compatible") == "avia,hx711"
    gpio = run("fdtget", pi, "/gpio", "phandle")
    assert run("fdtget", pi, "/hx711", "sck-gpios") == f"{gpio} 5 0"
    assert run("fdtget", pi, "/hx711", "dout-gpios") == f"{gpio} 6 0"
    supply = run("fdtget", pi, "/hx711-avdd", "phandle")
    assert run("fdtget", pi, "/hx711", "avdd-supply") == supply


def test_the_scales_parameters_change_its_pins_and_nothing_else(tmp_path):
    """The Pi's loader changes the four bytes after the colon, within the property."""
    overlay = compiled("beemon-hx711", tmp_path)
    for name, change in (("clock", "sck-gpios:4"), ("data", "dout-gpios:4")):
        said = run("fdtget", "-tbx", overlay, "/__overrides__", name)
        raw = bytes(int(byte, 16) for byte in said.split())
        assert raw[4:].rstrip(b"\0").decode() == change


def test_the_overlay_for_i2c_adds_nothing_that_was_not_asked_for(tmp_path):
    pi = applied(compiled("beemon-i2c", tmp_path), tmp_path)
    assert run("fdtget", "-l", pi, "/soc/i2c") == ""


def test_each_sensor_of_the_overlay_can_be_chosen(tmp_path):
    overlay = compiled("beemon-i2c", tmp_path)
    chosen = run("fdtget", "-p", overlay, "/__overrides__").split()
    nodes = [
        run("fdtget", "-l", overlay, f"/fragment@{k}/__dormant__") for k in range(len(chosen))
    ]
    assert [node.partition("@")[0] for node in nodes] == chosen


def test_each_overlay_that_the_table_of_chips_names_is_there():
    named = re.findall(r"dtoverlay=(beemon-\w+),?(\w*)", " ".join(c.boot for c in CHIPS.values()))
    assert {overlay for overlay, _ in named} == {file.stem for file in OVERLAYS.glob("*.dts")}
    for overlay, parameter in named:
        source = (OVERLAYS / f"{overlay}.dts").read_text()
        assert re.search(rf"^\t\t{parameter} = ", source, re.MULTILINE)
