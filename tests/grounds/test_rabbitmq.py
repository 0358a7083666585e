"""The session with RabbitMQ, which larger apiaries use as their broker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.tree import PROJECT, SYSTEM, tree

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(600), pytest.mark.long]

SET_UP = """
rabbitmq-plugins enable rabbitmq_mqtt
systemctl restart rabbitmq-server
rabbitmqctl add_user hive s3cret
rabbitmqctl set_permissions -p / hive '.*' '.*' '.*'
rabbitmqctl set_topic_permissions -p / hive amq.topic '^own[.].*' '^(own|in)[.].*'
"""
TALK = """
import sys, threading, time
from pathlib import Path
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.mqtt.session import Connected, Session, Will
from beemon.uplink.destinations.mqtt.settings import Broker, Settings
settings = Settings(broker=Broker("127.0.0.1"), protocol=sys.argv[1], user="hive",
                    password_file=Path(sys.argv[2]))
session = Session(settings, "beemon_a", Will("own/status", "offline"), ["own/#"], lambda: None)
session.open()
session.wait_for_connection()
session.publish("own/status", "online", retain=True)
session.publish("own/value", "1" * 100_000)
session.wait_until_acknowledged()
found = [session.news.get(timeout=10) for _ in range(3)]
assert isinstance(found[0], Connected), found
assert {one.topic for one in found[1:]} == {"own/status", "own/value"}, found
session.publish("other/value", "x")
try:
    session.wait_until_acknowledged()
    print("refused" if session.refusal else "acknowledged")
except NotDeliveredError as error:
    print("refused", error)
session.close("offline")
"""
READ_BACK = """
# It closes the connection of a hive that wants to read what it may not.
session = Session(settings, "beemon_b", Will("own/status", "offline"), ["own/#"], lambda: None,
                  ["other/x"])
session.open()
until = time.monotonic() + 30
while session.connections < 2 or "let the hive read the topic other/x" not in session.refusal:
    assert time.monotonic() < until, (session.connections, session.trouble)
    time.sleep(0.1)
session.publish("own/value", "1")
session.wait_until_acknowledged()
assert session.connections == 2
session.close("offline")
"""


@pytest.fixture(scope="module")
def rabbit() -> Iterator[Container]:
    with Container(tree("trixie", (*SYSTEM, "rabbitmq-server"))) as machine:
        machine.run("sh", "-euc", SET_UP, timeout=200)
        asked = ("nc", "-z", "127.0.0.1", "1883")
        until(lambda: machine.run(*asked, check=False).returncode == 0)
        yield machine


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_messages_go_both_ways_and_a_forbidden_topic_is_noticed(rabbit, tmp_path, protocol):
    secret = tmp_path / "password"
    secret.write_text("s3cret")
    secret.chmod(0o600)
    inside = ["nsenter", "-t", str(rabbit.leader), "--net", sys.executable, "-c", TALK + READ_BACK]
    ran = subprocess.run(
        [*inside, protocol, secret],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("refused"), ran.stdout
