"""The table [mqtt]."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.base.options import build
from beemon.uplink.destinations.mqtt.settings import Broker, Settings


def read(**table: object) -> tuple[Settings | None, str]:
    found, problems = build(Settings, {"broker": "ha.lan", **table}, lambda name: name)
    return found, "\n".join(map(str, problems))


@pytest.mark.parametrize(("text", "broker"), [
    ("homeassistant.local", Broker("homeassistant.local")),
    ("192.168.1.5:1884", Broker("192.168.1.5", 1884)),
    ("[fe80::1]", Broker("fe80::1")), ("[fe80::1]:1883", Broker("fe80::1", 1883)),
])
def test_a_broker_is_a_host_with_or_without_a_port(text, broker):
    found, _ = read(broker=text)
    assert found is not None
    assert found.broker == broker


@pytest.mark.parametrize("text", ["", "a b", "mqtt://ha.lan", "ha.lan:", "ha.lan:0", "ha:99999",
                                  "fe80::1", 5])
def test_anything_else_is_no_broker(text):
    assert "must be a host such as" in read(broker=text)[1]


def test_the_usual_port_depends_on_the_encryption():
    assert [read(tls=tls)[0].port for tls in (False, True)] == [1883, 8883]
    assert read(broker="ha.lan:1884", tls=True)[0].port == 1884


def test_nothing_is_obeyed_unless_it_is_listed():
    assert read()[0].commands == ()
    assert read(commands=["snapshot camera.entrance"])[0].commands == ("snapshot camera.entrance",)


@pytest.mark.parametrize("commands", [["status"], ["rm -rf"], "snapshot", [1], [""]])
def test_only_commands_can_be_listed(commands):
    assert "must be commands such as" in read(commands=commands)[1]


def test_options_that_belong_together_are_given_together():
    place = "/etc/beemon/x"
    assert "needs a user" in read(password_file=place)[1]
    assert "belong together" in read(tls=True, key_file=place)[1]
    assert "tls = true" in read(ca=place)[1]
    found, _ = read(tls=True, user="hive", password_file=place, ca=place, key_file=place,
                    certificate=place)
    assert found.password_file == Path(place)


@pytest.mark.parametrize("topic", ["", "/a", "a/", "a/+/b", "a/#", "a//b", "x" * 300, 1])
def test_a_topic_has_levels_and_no_wildcard(topic):
    assert "must be a topic" in read(topic=topic)[1]


def test_the_topic_has_the_hive_s_name_unless_another_is_given():
    assert read()[0].base("apiary-7") == "beemon/apiary-7"
    assert read(topic="bees/7")[0].base("apiary-7") == "bees/7"
