"""A receiver of messages for the tests of alerts."""

from __future__ import annotations

import pytest

from tests.uplink.alerts.receiver import Receiver


@pytest.fixture
def receiver():
    found = Receiver()
    yield found
    found.close()
