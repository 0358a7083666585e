"""The output that switches nothing."""

from __future__ import annotations

import pytest

from beemon.devices import load
from beemon.devices._base import DeviceError
from tests.devices.contracts import OutputContract


def test_its_faults_begin_after_it_is_open():
    light = load("output", "output.light", {"driver": "simulated", "fault": "error"})
    light.open()
    with pytest.raises(DeviceError, match="config asks for it"):
        light.turn(on=True)
    assert light.is_on is False


class TestContract(OutputContract):
    @pytest.fixture
    def device(self):
        return load("output", "output.light", {"driver": "simulated"})

    def is_on(self, device):
        return device.is_on
