"""A broker on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.uplink.mqtt.broker import Broker


@pytest.fixture
def broker() -> Iterator[Broker]:
    found = Broker()
    yield found
    found.close()
