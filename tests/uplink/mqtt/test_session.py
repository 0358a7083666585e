"""The session with a broker: connected again by itself, acknowledged or refused."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt import client

from beemon.uplink.backoff import Backoff
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.mqtt.session import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Connected,
    Message,
    Session,
    Will,
)
from beemon.uplink.destinations.mqtt.settings import Broker as Address
from beemon.uplink.destinations.mqtt.settings import Settings
from tests.uplink.mqtt.broker import PUBACK, PUBLISH, Broker
from tests.uplink.servers import certify

pytestmark = pytest.mark.process

WILL = Will("b/status", "offline")
PROTOCOLS = ("5", "3.1.1")


@pytest.fixture
def connect(broker: Broker) -> Iterator[Callable[..., Session]]:
    opened = []

    def open_session(protocol: str = "5", **options: object) -> Session:
        settings = Settings(broker=Address("127.0.0.1", broker.port), protocol=protocol, **options)
        session = Session(settings, "beemon_a", WILL, ["in/#"], threading.Event().set)
        opened.append(session)
        session.open()
        return session

    yield open_session
    for session in opened:
        session.close("offline")


def publish_for_ever(session: Session) -> None:
    while True:
        session.publish("out/lost", "x")
        session.wait_until_acknowledged()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_messages_go_both_ways(broker, connect, protocol):
    session = connect(protocol)
    session.wait_for_connection()
    assert isinstance(session.news.get(timeout=10), Connected)
    session.publish("out/a", "größer")
    session.publish("out/b", b"\xff\xd8", retain=True)
    session.wait_until_acknowledged()
    assert broker.of("out/a") == ["größer".encode()]
    assert broker.retained == {"out/b": b"\xff\xd8"}
    broker.wait_for_client()
    broker.publish("in/x", "hello")
    assert session.news.get(timeout=10) == Message("in/x", b"hello", is_retained=False)


def test_a_message_of_an_earlier_time_is_marked(broker, connect):
    broker.publish("in/x", "old", retain=True)
    session = connect()
    found = [session.news.get(timeout=10), session.news.get(timeout=10)]
    assert Message("in/x", b"old", is_retained=True) in found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_it_connects_again_when_the_broker_is_back(broker, connect, protocol, monkeypatch):
    session = connect(protocol)
    session.wait_for_connection()
    broker.close()
    with pytest.raises(NotDeliveredError, match=f"127.0.0.1:{broker.port}"):
        publish_for_ever(session)
    again = Broker(broker.port)
    try:
        again.wait_for_client()
        session.publish("out/a", "x")
        session.wait_until_acknowledged()
        assert again.of("out/lost") == []
        assert again.of("out/a") == [b"x"]
    finally:
        again.close()


@pytest.mark.parametrize(("protocol", "kind", "body"), [
    ("3.1.1", PUBLISH, b"\x00\x02\xff\xfepayload"),  # a topic that is not UTF-8
    ("3.1.1", PUBLISH, b""),
    ("5", PUBACK, b"\x00\x01\xff\xff\xff"),
])
def test_a_packet_that_is_no_mqtt_costs_one_connection(broker, connect, protocol, kind, body):
    session = connect(protocol)
    session.wait_for_connection()
    assert isinstance(session.news.get(timeout=10), Connected)
    broker.wait_for_client().send(kind, body)
    assert isinstance(session.news.get(timeout=10), Connected)
    session.publish("out/a", "x")
    session.wait_until_acknowledged()


def test_a_broker_that_is_not_there_is_named(connect, broker):
    broker.close()
    session = connect()
    said = f"^127.0.0.1:{broker.port} cannot be reached: Connection refused$"
    with pytest.raises(NotDeliveredError, match=said):
        session.wait_for_connection()
    with pytest.raises(NotDeliveredError, match="cannot be reached"):
        session.publish("a", "b")


@pytest.mark.parametrize(("protocol", "code"), [("5", 0x87), ("3.1.1", 5)])
def test_a_refusal_says_what_to_check(broker, connect, protocol, code):
    broker.refuses_clients = code
    with pytest.raises(NotDeliveredError, match=r"(?i)not authori[sz]ed.*check user"):
        connect(protocol).wait_for_connection()


@pytest.mark.parametrize(("protocol", "code"), [("5", 0x84), ("3.1.1", 1)])
def test_another_version_of_mqtt_is_named(broker, connect, protocol, code):
    broker.refuses_clients = code
    with pytest.raises(NotDeliveredError, match=r'protocol = "'):
        connect(protocol).wait_for_connection()


def test_the_password_is_read_from_its_file(broker, connect, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    secret.chmod(0o640)
    connect(user="hive", password_file=secret).wait_for_connection()
    client = broker.wait_for_client()
    assert (client.user, client.password, client.keep_alive) == ("hive", "s3cret", 30)


def test_a_password_that_everybody_can_read_is_not_used(connect, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    secret.chmod(0o644)
    with pytest.raises(NotDeliveredError, match="everybody can read"):
        connect(user="hive", password_file=secret).wait_for_connection()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_counts_as_sent_without_an_acknowledgement(broker, connect, protocol):
    session = connect(protocol)
    session.wait_for_connection()
    broker.is_deaf = True
    session.publish("out/a", "x")
    with pytest.raises(NotDeliveredError, match="acknowledges nothing"):
        session.wait_until_acknowledged(0.2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_acknowledgement_that_comes_too_late_counts_for_no_later_message(
    broker, connect, protocol
):
    session = connect(protocol)
    session.wait_for_connection()
    broker.is_deaf, paho = True, session._client
    before = paho._last_mid
    session.publish("out/a", "x")
    with pytest.raises(NotDeliveredError, match="acknowledges nothing"):
        session.wait_until_acknowledged(0.1)
    broker.wait_for_client().send(PUBACK, (before + 1).to_bytes(2, "big"))
    broker.publish("in/x", "behind it")
    assert isinstance(session.news.get(timeout=10), Connected)
    assert session.news.get(timeout=10).payload == b"behind it"
    paho._last_mid = before  # as after 65,535 messages
    session.publish("out/b", "x")
    with pytest.raises(NotDeliveredError, match="acknowledges nothing"):
        session.wait_until_acknowledged(0.1)


def test_a_topic_that_the_broker_refuses_is_named(broker, connect):
    session = connect("5")
    session.wait_for_connection()
    broker.refused_topics = {"out/a"}
    session.publish("out/a", "x")
    session.wait_until_acknowledged()
    if hasattr(client, "CallbackAPIVersion"):  # paho 1 hides it
        assert "refuses the topic out/a" in (session.refusal or "")


def test_a_client_that_ends_says_good_bye_itself(broker, connect):
    session = connect()
    session.wait_for_connection()
    session.close("bye")
    assert broker.of(WILL.topic) == [b"bye"]


def test_the_broker_says_it_for_a_client_that_is_lost(broker, connect):
    connect().wait_for_connection()
    broker.wait_for_client().cut()
    assert broker.wait_for_message(WILL.topic) == b"offline"
    assert broker.retained[WILL.topic] == b"offline"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this computer's loopback, by itself, and its key."""
    return certify(tmp_path, "127.0.0.1")


@pytest.fixture
def encrypted(certificate: tuple[Path, Path]) -> Iterator[Broker]:
    """A broker that also wants a certificate of each client."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    tls.load_verify_locations(certificate[0])
    tls.verify_mode = ssl.CERT_REQUIRED
    found = Broker(tls=tls)
    yield found
    found.close()


def test_both_ends_can_have_certificates(encrypted, certificate):
    cert, key = certificate
    settings = Settings(broker=Address("127.0.0.1", encrypted.port), tls=True, ca=cert,
                        certificate=cert, key_file=key)
    session = Session(settings, "beemon_a", WILL, ["in/#"], lambda: None)
    session.open()
    session.wait_for_connection()
    session.publish("a", "b")
    session.wait_until_acknowledged()
    session.close("offline")
    assert encrypted.of("a") == [b"b"]


def test_a_broker_that_nobody_vouches_for_is_not_trusted(encrypted):
    settings = Settings(broker=Address("127.0.0.1", encrypted.port), tls=True)
    session = Session(settings, "beemon_a", WILL, [], lambda: None)
    session.open()
    with pytest.raises(NotDeliveredError, match="its certificate is not trusted: self"):
        session.wait_for_connection()
    session.close("offline")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_more_is_sent_until_the_broker_acknowledges_again(broker, protocol):
    woken = threading.Event()
    settings = Settings(broker=Address("127.0.0.1", broker.port), protocol=protocol)
    session = Session(settings, "beemon_a", WILL, [], woken.set)
    session.open()
    session.wait_for_connection()
    assert isinstance(session.news.get(timeout=10), Connected)
    broker.holds_answers = True
    session.publish("out/a", "x")
    with pytest.raises(NotDeliveredError, match="acknowledges nothing; is its disk"):
        session.wait_until_acknowledged(0.2)
    with pytest.raises(NotDeliveredError, match="acknowledges nothing"):
        session.publish("out/b", "x")
    woken.clear()
    broker.let_answers_go()
    assert woken.wait(10)
    session.publish("out/c", "x")
    session.wait_until_acknowledged()
    session.close("offline")
    assert [one.topic for one in broker.messages[:2]] == ["out/a", "out/c"]
    assert session.connections == 1


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def test_a_broker_that_hangs_up_a_thousand_times_is_given_more_and_more_time():
    pauses: list[float] = []

    def choose(_low: float, high: float) -> float:
        pauses.append(high)
        return 0.0

    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Settings(broker=Address("127.0.0.1", listener.getsockname()[1]))
        backoff = Backoff(choose, FIRST_PAUSE, LONGEST_PAUSE)
        session = Session(settings, "beemon_a", WILL, [], lambda: None, backoff=backoff)
        files = open_files()
        session.open()
        for _ in range(1000):
            listener.accept()[0].close()
        session.close("offline")
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(pauses[7:]) == {60}
    assert session.broker in (session.trouble or "")
    assert open_files() <= files + 10
