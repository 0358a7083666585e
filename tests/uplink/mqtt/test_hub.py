"""The hub's acknowledgements: only a batch that is on its way counts, and nonsense does nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.mqtt.hub import Hub
from tests.uplink.conftest import batch_of, reading


class Line:
    """A session that keeps what is published; ``answers`` come back one by one."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.connections, self.refusal = 1, None
        self.answers: Iterator[object] = iter(())
        self.hub = Hub(self, self.take_news, timeout=0.05)

    def publish(self, _topic: str, _message: bytes) -> None:
        self.batches.append(self.hub._next - 1)

    def wait_until_acknowledged(self, _seconds: float) -> None:
        """The broker acknowledges everything."""

    def take_news(self, _seconds: float) -> None:
        answer = next(self.answers, None)
        if answer is not None:
            self.hub.acknowledge(json.dumps(answer).encode())


@pytest.mark.parametrize("upto", [None, [1], {"a": 1}, "1", -1, 1e300, 10**30, True])
@pytest.mark.parametrize("archive", ["uuid", ["uuid"], None])
def test_nonsense_is_no_acknowledgement(upto, archive):
    line = Line()
    line.answers = iter([{"archive": archive, "upto": upto}, [1], "x", None])
    with pytest.raises(NotDeliveredError, match="no hub has acknowledged") as caught:
        line.hub.deliver(batch_of([reading(0, 1.0)]))
    assert caught.value.acknowledged == 0


def test_the_number_of_the_batch_is_one():
    line = Line()

    def answers() -> Iterator[object]:
        yield {"archive": "uuid", "upto": line.batches[-1]}

    line.answers = answers()
    assert line.hub.deliver(batch_of([reading(0, 1.0)], [reading(1, 1.0)])) == 2
