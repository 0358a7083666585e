"""What is wired to GPIO pins: gpiozero's mock pins in the workers, with chips and bees behind."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from tests.grounds.drill import panel, wiring
from tests.grounds.drill.case import Case, Good, Rig, Stand
from tests.grounds.drill.panel import Panel

MODULES = str(Path(__file__).with_name("modules"))
STUCK_SECONDS = 2.0
LAG_SECONDS = 1.0
GPIO, SCALES = "beemon-gpio", "beemon-hx711"
LONG = "pulse-too-long"
STUCK = f'stuck_after = "{STUCK_SECONDS:g}s"\n'
TIMEOUT = 'timeout = "1s"\n'
COUNTS = ("bees_in", "bees_out", "turned_back")


CANNOT_BE_TOLD = [
    "gpio, contact: lies, freezes: a lid may flutter, and stand still for weeks",
    "gpio, output: lies: what it switches does not answer",
]


def stand(folder: Path) -> Stand:
    """Everything that gpiozero drives."""
    pins = Panel(folder / "panel")
    rigs = [
        _scale(pins), _converter(pins), _beams(pins), _counter(pins), _rain(pins), _contact(pins),
        _output(pins),
    ]
    return Stand(rigs, GOOD, {
        "GPIOZERO_PIN_FACTORY": "drill", "DRILL_PANEL": str(folder / "panel"),
    }, [MODULES])


GOOD = [
    Good("sensor.good-scale", 'driver = "hx711"\nsamples = 3\n'
         f"clock = {wiring.GOOD_CLOCK}\ndata = {wiring.GOOD_DATA}"),
    Good("sensor.good-counter", f'driver = "gpio"\nkind = "counter"\npin = {wiring.GOOD_COUNTER}'),
    Good("output.good", f'driver = "gpio"\npin = {wiring.GOOD_LIGHT}'),
]


def _case(pins: Panel, pin: int, ailment: int, fault: str, what: str, reason: str | None,
          tier: str | None = "reopened", lies: tuple[str, ...] = (), zero: tuple[str, ...] = (),
          lag: float = 0.0, dies: bool = False, brief: bool = False, also: str = "") -> Case:
    return Case(fault, what, reason, tier, partial(pins.__setitem__, pin, ailment),
                partial(pins.__setitem__, pin, panel.WELL), lies, zero, lag,
                pins.hung if dies else None, brief=brief, also=also)


def _usual(pins: Panel, pin: int, *, lag: float = 0.0, brief: str = "") -> list[Case]:
    """What any pin can do: hang, be killed, answer with an error."""
    hangs, fails = panel.HANGS, panel.FAILS
    return [
        _case(pins, pin, hangs, "hangs", "the pin library never answers", "timeout", "restarts",
              lag=lag, brief=brief == "hangs"),
        _case(pins, pin, hangs, "dies", "the worker is killed while it asks", "worker-died",
              "restarts", lag=lag, dies=True, brief=brief == "dies"),
        _case(pins, pin, fails, "fails", "the pin library raises its error", "device-error",
              lag=lag, brief=brief == "fails"),
    ]


def _scale(pins: Panel) -> Rig:
    data = wiring.DATA
    cases = [
        *_usual(pins, data),
        _case(pins, data, panel.UNPOWERED, "is gone", "no power: DOUT stays high", "io-error"),
        _case(pins, data, panel.SATURATED, "lies", "the highest word there is", "out-of-range",
              also=LONG),
        _case(pins, data, panel.ALL_ONES, "lies", "nothing but ones", "all-ones", brief=True,
              also=LONG),
        _case(pins, data, panel.STANDS, "freezes", "the same word each time", "stuck", "errors",
              ("bridge",), lag=STUCK_SECONDS + LAG_SECONDS),
    ]
    config = f'driver = "hx711"\nclock = {wiring.CLOCK}\ndata = {data}\nsamples = 3\n'
    return Rig("sensor.scale", "hx711", config + STUCK + TIMEOUT, cases, SCALES)


def _converter(pins: Panel) -> Rig:
    pin = wiring.SELECT
    cases = [
        *_usual(pins, pin),
        _case(pins, pin, panel.SATURATED, "lies", "full scale: MISO hangs in the air",
              "out-of-range", brief=True),
        _case(pins, pin, panel.STANDS, "freezes", "the same number each time", "stuck", "errors",
              lag=STUCK_SECONDS + LAG_SECONDS),
    ]
    config = 'driver = "mcp3008"\nchannel = 0\n'
    return Rig("sensor.battery", "mcp3008", config + STUCK + TIMEOUT, cases, GPIO)


def _passed(pins: Panel, pin: int, *zero: str, brief: str = "") -> list[Case]:
    """What happens to a line whose pulses are counted."""
    return [
        *_usual(pins, pin, lag=LAG_SECONDS, brief=brief),
        _case(pins, pin, panel.CHATTERS, "lies", "a loose wire chatters", None, None, zero=zero,
              lag=LAG_SECONDS),
        _case(pins, pin, panel.BLOCKED, "freezes", "it stays broken, or closed", "blocked",
              "errors", lies=zero, lag=STUCK_SECONDS + LAG_SECONDS),
    ]


BLOCKED = f'blocked_after = "{STUCK_SECONDS:g}s"\n'
DEBOUNCE = 'debounce = "0.01s"\n'


def _beams(pins: Panel) -> Rig:
    config = f'driver = "beams"\nouter = {wiring.OUTER}\ninner = {wiring.INNER}\n'
    cases = _passed(pins, wiring.OUTER, *COUNTS, brief="fails")
    return Rig("sensor.entrance", "beams", config + BLOCKED + TIMEOUT, cases, GPIO)


def _counter(pins: Panel) -> Rig:
    config = f'driver = "gpio"\nkind = "counter"\npin = {wiring.COUNTER}\n{DEBOUNCE}'
    cases = _passed(pins, wiring.COUNTER, "count")
    return Rig("sensor.traffic", "gpio, counter", config + BLOCKED + TIMEOUT, cases, GPIO)


def _rain(pins: Panel) -> Rig:
    config = f'driver = "rain"\nmm_per_tip = 0.2\npin = {wiring.RAIN}\n'
    cases = _passed(pins, wiring.RAIN, "rain")
    return Rig("sensor.rain", "rain", config + DEBOUNCE + BLOCKED + TIMEOUT, cases, GPIO)


def _contact(pins: Panel) -> Rig:
    config = f'driver = "gpio"\nkind = "contact"\npin = {wiring.CONTACT}\n'
    cases = _usual(pins, wiring.CONTACT)
    return Rig("sensor.lid", "gpio, contact", config + TIMEOUT, cases, GPIO)


def _output(pins: Panel) -> Rig:
    pin = wiring.LIGHT
    cases = [
        *_usual(pins, pin),
        _case(pins, pin, panel.STANDS, "freezes", "the pin does not follow", "device-error",
              brief=True),
    ]
    config = f'driver = "gpio"\npin = {pin}\n{TIMEOUT}'
    return Rig("output.light", "gpio, output", config, cases, GPIO)
