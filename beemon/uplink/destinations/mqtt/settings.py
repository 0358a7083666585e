"""The table [mqtt] of the config: the broker, and what the hive shows and obeys there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from beemon.base.options import BadOptionError, in_toml, option
from beemon.protocol.commands import VOCABULARY
from beemon.uplink.files import PUBLIC_FILE, SECRET_FILE

PLAIN_PORT, TLS_PORT = 1883, 8883
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_LEVELS = re.compile(r"[^/+#\0]+(/[^/+#\0]+)*")
_LONGEST_TOPIC = 200


class Broker(NamedTuple):
    """The address of a broker; without a port, the usual one counts."""

    host: str
    port: int | None = None


def _broker(value: object) -> Broker:
    text = value if isinstance(value, str) else ""
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host = text
    is_port = not colon or (port.isdecimal() and 1 <= int(port) <= 65535)
    if not _HOST.fullmatch(host) or not is_port:
        raise BadOptionError(
            'must be a host such as "homeassistant.local" or "192.168.1.5:1883", '
            f"not {in_toml(value)}"
        )
    return Broker(host.strip("[]"), int(port) if colon else None)


def _topic(value: object) -> str:
    if not isinstance(value, str) or not _LEVELS.fullmatch(value) or len(value) > _LONGEST_TOPIC:
        raise BadOptionError(f'must be a topic such as "bees/hive-7", not {in_toml(value)}')
    return value


def _commands(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    known = sorted(name for name, word in VOCABULARY.items() if word.is_command)
    for text in texts:
        if texts is not value or not isinstance(text, str) or text.split(" ")[0] not in known:
            raise BadOptionError(
                'must be commands such as ["snapshot camera.entrance"], each beginning with '
                f"{', '.join(known)}, not {in_toml(text)}"
            )
    return tuple(texts)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The broker by which Home Assistant finds the hive, with every quantity, picture and event.

    The messages of a quantity are on ``beemon/HIVE/sensor/NAME/QUANTITY``. Each is a JSON object
    with a ``value``, or with null and a ``reason``. A command is a message on
    ``beemon/HIVE/command``. The number of its job, or the error, is on ``beemon/HIVE/job``, and
    the outcome on ``beemon/HIVE/job/NUMBER``. Nothing is retained but the discovery and the
    availability. The hive reads some of its own messages back, as a broker also acknowledges those
    that its access rules make it drop. With MQTT 5 on Debian 13, it can do without.

    With ``records``, each job and event is also on ``beemon/UUID/records``, where UUID is that of
    the archive. A message is a JSON object, compressed by zlib, with the members ``schema``,
    ``archive``, ``batch`` and ``records``. The hub acknowledges a batch, and all before it, on
    ``beemon/UUID/ack`` by a JSON object with ``archive`` and ``upto``, the number of the batch.
    Until then the records are sent again.

    For a broker with a password, and two buttons in Home Assistant:

        [mqtt]
        broker = "homeassistant.local"
        user = "apiary-7"
        password_file = "/etc/beemon/mqtt-password"
        commands = ["snapshot camera.entrance", "read"]
    """

    broker: Broker = option(
        parse=_broker, doc="the broker's name or address, and its port unless it is 1883, or 8883 "
        "with ``tls``"
    )
    protocol: Literal["5", "3.1.1"] = option("5", doc="the version of MQTT")
    user: str | None = option(None, doc="the name of the hive at the broker")
    password_file: Path | None = option(
        None, parse=SECRET_FILE, doc="the file with the password of that name"
    )
    tls: bool = option(False, doc="whether the connection is encrypted")
    ca: Path | None = option(
        None, parse=PUBLIC_FILE,
        doc="the file with the certificate that signed the broker's; without it, the "
        "certificates of the computer count",
    )
    certificate: Path | None = option(
        None, parse=PUBLIC_FILE, doc="the file with the hive's own certificate"
    )
    key_file: Path | None = option(
        None, parse=SECRET_FILE, doc="the file with the private key of that certificate"
    )
    topic: str | None = option(
        None, parse=_topic,
        doc="the topic above all others of the hive; without it, ``beemon/`` and its name"
    )
    discovery: str = option(
        "homeassistant", parse=_topic, doc="the topic by which Home Assistant finds devices"
    )
    pictures: bool = option(True, doc="whether the latest picture of each camera is sent")
    commands: tuple[str, ...] = option(
        (), parse=_commands,
        doc="the commands that the hive obeys; each is a button in Home Assistant",
    )
    records: bool = option(
        False, doc="whether every job and event also goes to a hub that acknowledges each"
    )

    def __post_init__(self) -> None:
        if self.password_file is not None and self.user is None:
            raise BadOptionError('"password_file" needs a user: set user = "…"')
        if (self.certificate is None) != (self.key_file is None):
            raise BadOptionError('"certificate" and "key_file" belong together: give both')
        if not self.tls and (self.ca or self.certificate):
            raise BadOptionError("certificates need an encrypted connection: set tls = true")

    @property
    def port(self) -> int:
        """The port of the broker."""
        return self.broker.port or (TLS_PORT if self.tls else PLAIN_PORT)

    def base(self, hive: str) -> str:
        """The topic above all others of the hive."""
        return self.topic or f"beemon/{hive}"
