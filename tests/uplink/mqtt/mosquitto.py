"""The real mosquitto on loopback, with the access rules that a test gives it, and a real hub."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import zlib
from collections import Counter
from pathlib import Path

from paho.mqtt import client as paho

from beemon.base.facts import JsonObject
from beemon.uplink.destinations.mqtt import hub
from tests.hive import free_port, until

PROGRAM = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
EVERYTHING = "topic readwrite #\n"


class Mosquitto:
    """A broker that keeps nothing over its end; each client may do what ``rules`` say."""

    def __init__(self, folder: Path, rules: str = EVERYTHING, options: str = "") -> None:
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self._rules = folder / "rules"
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
            "set_tcp_nodelay true\n"
            f"acl_file {self._rules}\n{options}"
        )
        self._write(rules)

    def start(self) -> None:
        assert PROGRAM is not None
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, "-c", self._folder / "mosquitto.conf"], stdout=log, stderr=log
            )
        until(self._listens)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def allow(self, rules: str) -> None:
        """Change the rules; those who are connected stay so."""
        self._write(rules)
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)

    def _write(self, rules: str) -> None:
        self._rules.write_text(rules)
        self._rules.chmod(0o600)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False


class FarHub:
    """A hub by paho that keeps the newest version of each record, and then acknowledges it.

    Its session outlives its connection, so that the broker keeps messages for it.
    """

    def __init__(self, port: int, archive: str) -> None:
        self._port, self._archive = port, archive
        self.changes: dict[tuple[str, int], int] = {}
        self.heard: list[tuple[str, bytes]] = []
        """The other messages, in order."""
        self.times: Counter[tuple[str, int]] = Counter()
        """How often each record came."""
        self.answer = self.acknowledge
        self._mutex = threading.Lock()
        self._client: paho.Client | None = None

    @staticmethod
    def acknowledge(told: JsonObject) -> str:
        """The answer to a message of records, once they are kept."""
        return json.dumps({"archive": told["archive"], "upto": told["batch"]})

    def start(self) -> None:
        newer = {}
        if hasattr(paho, "CallbackAPIVersion"):
            newer = {"callback_api_version": paho.CallbackAPIVersion.VERSION2}
        client = paho.Client(
            client_id="hub", clean_session=False, protocol=paho.MQTTv311, **newer
        )
        listens = threading.Event()
        client.on_connect = lambda *_: client.subscribe([("beemon/#", 1), ("homeassistant/#", 1)])
        client.on_subscribe = lambda *_: listens.set()
        client.on_message = self._take
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        assert listens.wait(10)
        self._client = client

    def stop(self) -> None:
        """Be away."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def of(self, topic: str) -> list[bytes]:
        """The payloads on a topic so far."""
        with self._mutex:
            return [payload for known, payload in self.heard if known == topic]

    def _take(self, client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        with self._mutex:
            if message.topic != hub.records_topic(self._archive):
                self.heard.append((message.topic, message.payload))
                return
            told = json.loads(zlib.decompress(message.payload))
            for record in told["records"]:
                kind = "job" if "job" in record else "event"
                key = kind, record[kind][kind]
                self.times[key] += 1
                self.changes[key] = max(self.changes.get(key, 0), record["change"])
        client.publish(hub.ack_topic(self._archive), self.answer(told), qos=1)
