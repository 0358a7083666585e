"""Kernel sensors and the computer's own: files in a folder, whose values change all the time."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.grounds.drill.case import Case, Good, Rig, Stand
from tests.grounds.drill.processes import holder
from tests.grounds.sysfs import Sysfs

VARY_SECONDS = 0.1
STUCK_SECONDS = 2.0
LAG_SECONDS = 1.0
ROM = "28-0316a2795aff"
IO_ERROR = "/proc/self/mem"  # its first byte cannot be read: the kernel answers EIO
SENSORS = "beemon-sensors"
Values = Callable[[int], object]


class Files:
    """Files that a thread writes anew all the time, but for those that a fault has taken."""

    def __init__(self, folder: Path) -> None:
        self._spare = folder / "spare"
        self._values: dict[Path, Values] = {}
        self._taken: set[Path] = set()
        self._writer: int | None = None
        self._lock = threading.RLock()  # also over the one spare file
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._vary, daemon=True)
        self._thread.start()

    def add(self, file: Path, values: Values) -> None:
        with self._lock:
            self._values[file] = values
            self._write(file, values(0))

    def freeze(self, file: Path) -> None:
        """Nobody writes it any more."""
        with self._lock:
            self._taken.add(file)

    def say(self, file: Path, content: bytes) -> None:
        """It says this, over and over."""
        with self._lock:
            self.freeze(file)
            self._write(file, content)

    def hang(self, file: Path) -> None:
        """Who reads it waits."""
        with self._lock:
            self.freeze(file)
            os.mkfifo(self._spare)
            self._spare.replace(file)

    def reader(self, file: Path) -> int | None:
        """Who hangs in reading it, once somebody does; he hangs on."""
        if self._writer is None:
            try:
                self._writer = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads it
                return None
        return holder(file)

    def fail(self, file: Path) -> None:
        """Who reads it gets an error of the kernel's."""
        with self._lock:
            self.freeze(file)
            self._spare.symlink_to(IO_ERROR)
            self._spare.replace(file)

    def remove(self, file: Path) -> None:
        self.freeze(file)
        file.unlink()

    def heal(self, file: Path) -> None:
        """It has fresh values again."""
        with self._lock:
            self._taken.discard(file)
            self._write(file, self._values[file](0))
            if self._writer is not None:
                os.close(self._writer)
                self._writer = None

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _vary(self) -> None:
        for turn in itertools.count():
            if self._over.wait(VARY_SECONDS):
                return
            with self._lock:
                for file in self._values.keys() - self._taken:
                    self._write(file, self._values[file](turn))

    def _write(self, file: Path, value: object) -> None:
        """At once, as the kernel does: no reader sees half of it."""
        self._spare.write_bytes(value if isinstance(value, bytes) else f"{value}\n".encode())
        self._spare.replace(file)

    def case(self, fault: str, what: str, reason: str, act: Callable[[Path], None], file: Path,
             *lies: str, tier: str | None = "reopened", lag: float = 0.0, dies: bool = False,
             brief: bool = False) -> Case:
        return Case(fault, what, reason, tier, partial(act, file), partial(self.heal, file),
                    lies, lag=lag, victim=partial(self.reader, file) if dies else None,
                    brief=brief)

    def usual(self, file: Path, *lies: str, brief: str = "") -> list[Case]:
        """What can happen to any file: its reader hangs, is killed in it, or it stands still."""
        return [
            self.case("hangs", "reading the file never ends", "timeout", self.hang, file,
                      tier="restarts", brief=brief == "hangs"),
            self.case("dies", "the worker is killed while it reads", "worker-died", self.hang,
                      file, tier="restarts", dies=True, brief=brief == "dies"),
            self.case("freezes", "the file never changes again", "stuck", self.freeze, file,
                      *lies, tier="errors", lag=STUCK_SECONDS + LAG_SECONDS,
                      brief=brief == "freezes"),
        ]

    def garbage(self, what: str, content: bytes, reason: str, file: Path, *lies: str,
                brief: bool = False, tier: str = "errors") -> Case:
        return self.case("lies", what, reason, lambda f: self.say(f, content), file, *lies,
                         tier=tier, brief=brief)


def stand(folder: Path) -> Stand:
    """The kernel's sensors of each kind, and the computer's."""
    files, sysfs = Files(folder), Sysfs(folder / "sys")
    rigs = [
        _iio(files, sysfs), _hwmon(files, sysfs), _one_wire(files, sysfs),
        _scale(files, sysfs), _system(files, folder),
    ]
    good = Good("sensor.good-kernel", _kernel(sysfs, "sht4x"))
    chip = sysfs.hwmon(1, "sht4x", "1-0045", temp1_input=20000, humidity1_input=55000)
    files.add(chip / "temp1_input", lambda turn: 20000 + turn % 50)
    return Stand(rigs, [good], close=files.close)


def _kernel(sysfs: Sysfs, device: str) -> str:
    return f'driver = "kernel"\ndevice = "{device}"\nsysfs = "{sysfs.root}"'


def _drilled(sysfs: Sysfs, device: str) -> str:
    return f'{_kernel(sysfs, device)}\nstuck_after = "{STUCK_SECONDS:g}s"\ntimeout = "1s"'


def _iio(files: Files, sysfs: Sysfs) -> Rig:
    chip = sysfs.iio(0, "bme280", in_temp_input=0, in_pressure_input=0)
    temp = chip / "in_temp_input"
    files.add(temp, lambda turn: 21370 + turn % 40)
    files.add(chip / "in_pressure_input", lambda turn: 98.7 + turn % 30 / 1000)
    cases = [
        *files.usual(temp, "temperature", brief="hangs"),
        files.garbage("the file holds bytes that are no text", b"\xff\xfe\x00", "not-a-number",
                      temp, "temperature"),
        files.case("is gone", "the channel's file is gone", "missing-device", files.remove, temp,
                   "temperature"),
    ]
    config = f'{_drilled(sysfs, "bme280")}\nchannels = ["in_temp", "in_pressure"]'
    return Rig("sensor.iio", "kernel, iio", config, cases, SENSORS)


def _hwmon(files: Files, sysfs: Sysfs) -> Rig:
    chip = sysfs.hwmon(0, "sht3x", temp1_input=0)
    temp = chip / "temp1_input"
    files.add(temp, lambda turn: 34812 + turn % 40)
    cases = [
        *files.usual(temp),
        files.garbage("999 °C", b"999000\n", "out-of-range", temp, tier="reopened"),
        files.case("fails", "the bus answers with an error", "io-error", files.fail, temp),
    ]
    config = f'{_drilled(sysfs, "sht3x")}\nchannels = ["temp1"]'
    return Rig("sensor.hwmon", "kernel, hwmon", config, cases, SENSORS)


def _one_wire(files: Files, sysfs: Sysfs) -> Rig:
    temp = sysfs.w1(ROM, temperature=0) / "temperature"
    files.add(temp, lambda turn: 34562 + turn % 40 * 62)
    cases = [
        *files.usual(temp),
        files.garbage("85 °C, as after power-on", b"85000\n", "power-on-value", temp, brief=True,
                      tier="reopened"),
        files.garbage("an empty file", b"", "not-a-number", temp, tier="reopened"),
    ]
    return Rig("sensor.probe", "kernel, w1", _drilled(sysfs, ROM), cases, SENSORS)


def _scale(files: Files, sysfs: Sysfs) -> Rig:
    chip = sysfs.iio(1, "hx711", "hx711", in_voltage0_raw=0, in_voltage_scale=0.000095)
    raw = chip / "in_voltage0_raw"
    files.add(raw, lambda turn: 0x800000 + 4000 + turn % 40)
    cases = [
        files.garbage("a word of nothing but ones", b"8388607\n", "all-ones", raw,
                      tier="reopened"),
        files.garbage("nan", b"nan\n", "not-a-number", raw, tier="reopened"),
    ]
    return Rig("sensor.scale-kernel", "kernel, hx711", _drilled(sysfs, "hx711"), cases, SENSORS)


def _system(files: Files, folder: Path) -> Rig:
    sys, proc = folder / "computer/sys", folder / "computer/proc"
    zone = sys / "class/thermal/thermal_zone0"
    for made in (zone, proc):
        made.mkdir(parents=True)
    (zone / "type").write_text("cpu-thermal\n")
    temp, load = zone / "temp", proc / "loadavg"
    files.add(temp, lambda turn: 48000 + turn % 40 * 100)
    files.add(load, lambda turn: f"0.{turn % 90 + 10} 0.20 0.10 1/200 4711")
    cases = [
        *files.usual(temp, "cpu_temperature", brief="dies"),
        files.garbage("999 °C", b"999000\n", "out-of-range", temp, "cpu_temperature"),
        files.garbage("the load is no number", b"\xff\xff\n", "not-a-number", load, "load"),
        files.case("is gone", "the thermal zone is gone", "missing-device", files.remove, temp,
                   "cpu_temperature", tier="errors"),
    ]
    config = (
        f'driver = "system"\nquantities = ["cpu_temperature", "load"]\nsysfs = "{sys}"\n'
        f'proc = "{proc}"\nstuck_after = "{STUCK_SECONDS:g}s"\ntimeout = "1s"'
    )
    return Rig("sensor.system", "system", config, cases, SENSORS)
