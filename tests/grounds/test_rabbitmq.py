"""The session with RabbitMQ, which larger apiaries use as their broker."""

from __future__ import annotations

import json
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
while session.connections < 2 or "let the hive only write" not in (session.limit or ""):
    assert time.monotonic() < until, (session.connections, session.trouble)
    time.sleep(0.1)
session.publish("own/value", "1")
session.wait_until_acknowledged()
assert session.connections == 2
session.close("offline")
# Without a topic that it needs, it says so, and stays connected.
session = Session(settings, "beemon_c", Will("own/status", "offline"), ["own/#", "other/y"],
                  lambda: None)
session.open()
until = time.monotonic() + 30
while session.connections < 2 or "let the hive read the topic other/y" not in session.refusal:
    assert time.monotonic() < until, (session.connections, session.trouble)
    time.sleep(0.1)
session.publish("own/value", "1")
session.wait_until_acknowledged()
session.close("offline")
"""


@pytest.fixture(scope="module")
def rabbit() -> Iterator[Container]:
    with Container(tree("trixie", (*SYSTEM, "rabbitmq-server"))) as machine:
        machine.run("sh", "-euc", SET_UP, timeout=200)
        asked = ("nc", "-z", "127.0.0.1", "1883")
        until(lambda: machine.run(*asked, check=False).returncode == 0)
        yield machine


def inside(machine: Container) -> list[str]:
    """This Python in the network of a machine."""
    return ["nsenter", "-t", str(machine.leader), "--net", sys.executable]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_whose_disk_is_full_is_told_and_comes_back_by_itself(rabbit, tmp_path, protocol):
    """It accepts the hive's messages no more: it reads nothing from those that publish."""
    command = [*inside(rabbit), "-m", "tests.grounds.hub_hive", tmp_path, protocol]
    with subprocess.Popen(
        command, cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as hive:
        assert hive.stdin
        assert hive.stdout
        try:
            assert json.loads(hive.stdout.readline()) == {"most": 1}
            rabbit.run("rabbitmqctl", "set_disk_free_limit", "100000GB")
            hive.stdin.write("\n")
            hive.stdin.flush()
            assert hive.stdout.readline() == (
                "127.0.0.1:1883 acknowledges nothing; is its disk or its memory full?\n"
            )
        finally:
            rabbit.run("rabbitmqctl", "set_disk_free_limit", "1MB")
        hive.stdin.write("\n")
        hive.stdin.flush()
        assert json.loads(hive.stdout.readline())["most"] <= 2


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_messages_go_both_ways_and_a_forbidden_topic_is_noticed(rabbit, tmp_path, protocol):
    secret = tmp_path / "password"
    secret.write_text("s3cret")
    secret.chmod(0o600)
    ran = subprocess.run(
        [*inside(rabbit), "-c", TALK + READ_BACK, protocol, secret],
        cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("refused"), ran.stdout
