"""An output on a pin, over gpiozero's mock pins."""

from __future__ import annotations

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError
from tests.devices.contracts import OutputContract


@pytest.fixture
def output(pins):
    made = []

    def make(**options):
        made.append(load("output", "output.light", {"driver": "gpio", "pin": 18, **options}))
        made[-1].open()
        return made[-1], pins.pin(18)

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize(("active", "on_level"), [("high", True), ("low", False)])
def test_the_config_says_which_level_is_on(output, active, on_level):
    light, pin = output(active=active)
    assert pin.state is (not on_level)
    light.turn(on=True)
    assert pin.state is on_level


def test_the_safe_state_may_be_on(output):
    fan, pin = output(safe="on")
    assert pin.state is True
    fan.turn(on=False)
    assert pin.state is False
    fan.make_safe()
    assert pin.state is True


def test_it_never_shows_another_state_while_it_is_opened(output):
    _, pin = output()
    assert [state.state for state in pin.states] == [False]


def test_closing_makes_safe_and_gives_the_pin_back(output):
    light, pin = output()
    light.turn(on=True)
    light.close()
    assert [state.state for state in pin.states] == [False, True, False]
    assert pin.function == "input"


def test_a_pin_in_use_is_refused(output):
    output()
    other = load("output", "output.other", {"driver": "gpio", "pin": 18})
    with pytest.raises(DeviceError, match="18"):
        other.open()


def test_a_pin_that_does_not_follow_is_told(output, pins):
    class Shorted(pins.pin_class):
        def _set_state(self, value):
            pass

    pins.pin(18, pin_class=Shorted)._state = False
    light, _ = output()
    with pytest.raises(DeviceError, match="GPIO 18 does not change"):
        light.turn(on=True)
    light.turn(on=False)


class TestContract(OutputContract):
    @pytest.fixture
    def device(self, pins):
        return load("output", "output.light", {"driver": "gpio", "pin": 18})

    def is_on(self, device):
        return bool(device._pin.value)


def test_a_pin_that_could_not_be_had_can_be_had_later_though_the_error_is_kept(pins, monkeypatch):
    gpiozero = pytest.importorskip("gpiozero")

    def busy(*_):
        raise gpiozero.exc.PinUnknownPi("GPIO busy")

    device = load("output", "output.light", {"driver": "gpio", "pin": 18})
    with monkeypatch.context() as held:
        held.setattr(pins, "pin", busy)
        with pytest.raises(DeviceError, match="GPIO busy") as kept:
            device.open()
    device.open()
    device.close()
    assert kept.value.__cause__ is not None
