"""Session: the connection to an MQTT broker, kept up by a thread of its own.

It works with paho 1.6.1 (Debian 12) and 2.1.0 (Debian 13), by MQTT 5 and 3.1.1. Each connection has
a client of its own, so that nothing that was meant for an earlier one is sent later.

The session reads some of its own messages back, as an acknowledgement is no proof.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from beemon.base.defects import contain
from beemon.uplink.backoff import Backoff
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.mqtt.access import Access
from beemon.uplink.destinations.mqtt.settings import Settings
from beemon.uplink.secrets import read_secret

if TYPE_CHECKING:
    import paho.mqtt.client as paho

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 30
"""The broker gives a silent hive up after one and a half times this."""
ACKNOWLEDGED_SECONDS = 10.0
"""The longest time that the broker may take to acknowledge messages."""
STALLED_SECONDS = 60.0
"""The time in seconds after which a connection ends whose broker still acknowledges nothing."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
FIRST_SECONDS = 5.0
"""The longest time to wait for the first connection."""
_PING_SECONDS = KEEP_ALIVE_SECONDS + 0.5  # after the last packet a ping is due by then
_CONNECTING_SECONDS = 5.0  # between two looks at the time, until the broker has answered
_QUEUED = 256  # messages from the broker; more are dropped
_REFUSED = range(0x80, 0x100)  # the answers to a subscription that are no quality of service


class Message(NamedTuple):
    """A message from the broker."""

    topic: str
    payload: bytes
    is_retained: bool


class Connected(NamedTuple):
    """The connection is there, for the first time or again."""


class Will(NamedTuple):
    """The message that the broker publishes, and keeps, when the connection is lost."""

    topic: str
    payload: str


class Session:
    """The connection to the broker; :attr:`news` is what came from there on the ``topics``.

    ``wake`` is called, in the session's thread, after each of the news. Messages that the hive
    publishes on one of the ``echoes`` are read back. It can do without the ``spare`` topics.
    """

    def __init__(
        self, settings: Settings, name: str, will: Will, topics: Sequence[str],
        wake: Callable[[], None], echoes: Sequence[str] = (), spare: Sequence[str] = (),
        backoff: Backoff | None = None,
    ) -> None:
        import paho.mqtt.client

        self._paho = paho.mqtt.client
        self._settings, self._name, self._will = settings, name, will
        self._topics, self._wake, self._echoes = [*topics, *spare], wake, echoes
        self._access = Access(
            self.broker, echoes, spare,
            shows_reasons=settings.protocol == "5" and hasattr(self._paho, "CallbackAPIVersion"),
        )
        self._backoff = backoff or Backoff(first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        self.news: queue.Queue[Message | Connected] = queue.Queue(_QUEUED)
        self.trouble: str | None = f"not yet connected to {self.broker}"
        """The reason why there is no connection."""
        self.connections = 0
        """The number of connections so far."""
        self._client: paho.Client | None = None
        self._state = threading.Condition()
        self._waiting: dict[int, str] = {}
        self._early: dict[int, str | None] = {}
        self._subscribed: dict[int, Sequence[str]] = {}
        self._stalled_at: float | None = None
        self._was_tried = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mqtt {name}", daemon=True)

    @property
    def broker(self) -> str:
        """The address of the broker, for messages."""
        return f"{self._settings.broker.host}:{self._settings.port}"

    @property
    def refusal(self) -> str | None:
        """A topic that the broker refuses, or may refuse, although the hive needs it."""
        with self._state:
            return self._access.problem

    @property
    def limit(self) -> str | None:
        """The things that the hive cannot see because it may only write."""
        with self._state:
            return self._access.limit

    @property
    def is_unsure(self) -> bool:
        """Whether the broker may drop messages, so that they are to be tried again some day."""
        with self._state:
            return self._access.is_unsure

    @property
    def is_proven(self) -> bool:
        """Whether the broker has all that it acknowledged."""
        with self._state:
            return self._access.is_proven

    def open(self) -> None:
        """Connect, and connect again whenever the connection is lost, until :meth:`close`."""
        self._thread.start()

    def close(self, farewell: str) -> None:
        """Publish the farewell in the place of the will, and end."""
        client = self._client
        if client is not None:
            try:
                self.publish(self._will.topic, farewell, retain=True)
                self.wait_until_acknowledged(2.0)
            except NotDeliveredError:
                pass  # the broker publishes the will
            self._closing.set()
            client.disconnect()
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(2 * _CONNECTING_SECONDS)

    def wait_for_connection(self, seconds: float = FIRST_SECONDS) -> None:
        """Wait for the first connection. Raises :class:`NotDeliveredError` if there is none."""
        with self._state:
            self._state.wait_for(lambda: self._client or self._was_tried, seconds)
            if self._client is None:
                raise NotDeliveredError(self.trouble or f"no connection to {self.broker}")

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Send a message, at least once. Raises :class:`NotDeliveredError`.

        Nothing is sent to a broker that has not acknowledged the messages before: paho would keep
        it, and send it twice.
        """
        client = self._client
        if client is None:
            raise NotDeliveredError(self.trouble or f"no connection to {self.broker}")
        if self._stalled_at is not None:
            raise NotDeliveredError(self._stall)
        with self._state:
            self._access.expect(topic, payload.encode() if isinstance(payload, str) else payload)
            self._early.clear()  # late ones, given up before: their numbers come again
        # Without the mutex: paho calls _on_publish while it holds one that publish() needs.
        sent = client.publish(topic, payload, qos=1, retain=retain)
        if sent.rc != self._paho.MQTT_ERR_SUCCESS:
            problem = self._paho.error_string(sent.rc)
            raise NotDeliveredError(f"{self.broker} cannot be sent to: {problem}")
        with self._state:
            if self._client is not client:
                raise NotDeliveredError(self.trouble or f"{self.broker} closed the connection")
            if sent.mid in self._early:
                self._access.note_answer(topic, self._early.pop(sent.mid))
            else:
                self._waiting[sent.mid] = topic

    def wait_until_acknowledged(self, seconds: float = ACKNOWLEDGED_SECONDS) -> None:
        """Wait for the broker's acknowledgement of all messages so far, and for their echoes.

        An acknowledgement proves that the broker has read a message, no more. Without an echo, the
        topic is a :attr:`refusal`. Raises :class:`NotDeliveredError`.
        """
        with self._state:
            client = self._client
            self._state.wait_for(lambda: self._is_answered() or self._client is not client, seconds)
            if client is None or self._client is not client:
                raise NotDeliveredError(self.trouble or f"{self.broker} closed the connection")
            if self._waiting:
                self._stalled_at = self._stalled_at or time.monotonic()
                raise NotDeliveredError(self._stall)
            if refusal := self._access.end_waiting():
                raise NotDeliveredError(refusal)

    @property
    def _stall(self) -> str:
        return f"{self.broker} acknowledges nothing; is its disk or its memory full?"

    def _is_stalled_for_long(self) -> bool:
        since = self._stalled_at
        return since is not None and time.monotonic() - since > STALLED_SECONDS

    def _is_answered(self) -> bool:
        return not self._waiting and self._access.is_settled

    def _notify_if_answered(self) -> None:
        """Wake the thread that waits, but not for each of many acknowledgements."""
        if self._is_answered():
            self._state.notify_all()

    def _run(self) -> None:
        while not self._closing.is_set():
            begun = time.monotonic()
            trouble = contain(self._serve_one_connection, self._note_defect)
            if self._closing.is_set():
                return
            with self._state:
                self.trouble, self._was_tried = trouble, True
                self._state.notify_all()
            if time.monotonic() - begun > LONGEST_PAUSE:
                self._backoff.reset()
            self._closing.wait(self._backoff.next_pause())

    def _serve_one_connection(self) -> str:
        """Connect, and serve until the connection is lost; the reason."""
        try:
            client = self._make_client()
            client.connect(self._settings.broker.host, self._settings.port, KEEP_ALIVE_SECONDS)
        except (NotDeliveredError, OSError, ValueError) as error:
            from beemon.base.web_client import reason_of  # the client itself is seldom needed

            return f"{self.broker} cannot be reached: {reason_of(error)}"
        reasons: list[str] = []
        begun = time.monotonic()
        client.user_data_set(reasons)
        code = self._paho.MQTT_ERR_SUCCESS
        try:
            while code == self._paho.MQTT_ERR_SUCCESS and not reasons:
                code = client.loop(_PING_SECONDS if self._client else _CONNECTING_SECONDS)
                if self._is_stalled_for_long():
                    break
            return reasons[0] if reasons else self._explain_end(begun)
        finally:
            self._forget_client()
            if (left := client.socket()) is not None:
                left.close()

    def _explain_end(self, begun: float) -> str:
        if self._client is None and time.monotonic() - begun >= _CONNECTING_SECONDS:
            return f"{self.broker} does not answer; is its disk or its memory full?"
        if self._stalled_at is not None:
            return self._stall
        return self.refusal or f"{self.broker} closed the connection"

    def _note_defect(self, error: Exception) -> str:
        """The trouble of a defect. paho has many for packets that are not MQTT."""
        trouble = f"{self.broker} cannot be understood: {type(error).__name__}: {error}"
        if trouble != self.trouble:
            log.exception("the connection to %s has a defect", self.broker)
        return trouble

    def _make_client(self) -> paho.Client:
        client = _new_client(self._paho, self._name, self._settings)
        client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        client.on_connect, client.on_message = self._on_connect, self._on_message
        client.on_publish, client.on_subscribe = self._on_publish, self._on_subscribe
        # With this, publish() leaves all writing to the session's thread.
        client.on_socket_register_write = lambda *_: None
        return client

    def _forget_client(self) -> None:
        with self._state:
            self._client = None
            for memory in (self._waiting, self._early, self._subscribed):
                memory.clear()
            self._access.forget_echoes()
            self._stalled_at = None
            self._state.notify_all()

    def _on_connect(
        self, client: paho.Client, reasons: list[str], _flags: object, code: object, *_: object
    ) -> None:
        if getattr(code, "value", code) != 0:
            reasons.append(f"{self.broker} refuses the hive: {self._explain(code)}")
            return
        # Several packets: RabbitMQ refuses all topics of a packet, and then closes the connection.
        for topics in ([one] for one in self._topics):
            self._subscribe(client, topics)
        self._subscribe(client, self._echoes)
        with self._state:
            self._client, self.trouble = client, None
            self.connections += 1
            self._access.begin()
            self._state.notify_all()
        log.info("connected to %s", self.broker)
        self._tell(Connected())

    def _subscribe(self, client: paho.Client, topics: Sequence[str]) -> None:
        if readable := self._access.readable(topics):
            _, number = client.subscribe([(topic, 1) for topic in readable])
            self._subscribed[number or 0] = readable

    def _on_subscribe(
        self, _client: object, _userdata: object, number: int, codes: Sequence[object], *_: object
    ) -> None:
        topics = self._subscribed.pop(number, ())
        with self._state:
            self._access.note_subscription({
                topic: getattr(code, "value", code) not in _REFUSED
                for topic, code in zip(topics, codes, strict=False)
            })
            self._state.notify_all()

    def _explain(self, code: object) -> str:
        said = self._paho.connack_string(code) if isinstance(code, int) else str(code)
        if "protocol version" in said.lower():
            return f'{said}; set protocol = "3.1.1" under [mqtt]'
        return f"{said}; check user and password_file under [mqtt]"

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        if message.topic in self._echoes:
            self._hear(message)
            return
        self._tell(Message(message.topic, bytes(message.payload), bool(message.retain)))

    def _hear(self, message: paho.MQTTMessage) -> None:
        """Note that a message has come back; one that the broker kept is no proof."""
        with self._state:
            if not message.retain:
                self._access.hear(message.topic, message.payload)
                self._notify_if_answered()

    def _on_publish(self, _client: object, _userdata: object, mid: int, *rest: object) -> None:
        code = rest[0] if rest else None
        problem = str(code) if getattr(code, "is_failure", False) else None
        with self._state:
            if mid in self._waiting:
                self._access.note_answer(self._waiting.pop(mid), problem)
            else:  # publish() has not returned yet
                self._early[mid] = problem
            self._notify_if_answered()
            has_ended = self._stalled_at is not None and not self._waiting
            if has_ended:
                self._stalled_at = None
        if has_ended:
            self._wake()

    def _tell(self, news: Message | Connected) -> None:
        try:
            self.news.put_nowait(news)
        except queue.Full:
            log.warning("too many messages from %s: one is dropped", self.broker)
        self._wake()


def _new_client(mqtt: ModuleType, name: str, chosen: Settings) -> paho.Client:
    """Raises :class:`NotDeliveredError`, and ``OSError`` for a certificate that is wrong."""
    newer = {}
    if hasattr(mqtt, "CallbackAPIVersion"):
        newer = {"callback_api_version": mqtt.CallbackAPIVersion.VERSION2}
    client: paho.Client = mqtt.Client(
        client_id=name, protocol=mqtt.MQTTv5 if chosen.protocol == "5" else mqtt.MQTTv311, **newer
    )
    if chosen.user is not None:
        secret = chosen.password_file
        client.username_pw_set(chosen.user, None if secret is None else read_secret(secret))
    if chosen.tls:
        if chosen.key_file is not None:
            read_secret(chosen.key_file)  # refused if everybody can read it
        client.tls_set(*(
            None if file is None else str(file)
            for file in (chosen.ca, chosen.certificate, chosen.key_file)
        ))
    return client
