"""A stand-in for BlueZ on a private D-Bus: it has an adapter, and sends advertisements on demand.

The bus is the real dbus-daemon. Like BlueZ, it sends advertisements only while a program on the bus
wants them, and stops when that program leaves.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    message_bus,
    new_error,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import open_dbus_connection

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
"""
ADAPTER = "/org/bluez/hci0"
EVERY_SECONDS = 0.02


@contextmanager
def private_bus(folder: Path) -> Iterator[str]:
    """The address of a new dbus-daemon."""
    config = folder / "bus.conf"
    config.write_text(CONFIG.format(socket=folder / "bus"))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    assert daemon.stdout is not None
    try:
        yield daemon.stdout.readline().strip()
    finally:
        daemon.terminate()
        daemon.wait()
        daemon.stdout.close()


class BlueZ(threading.Thread):
    """Answers as org.bluez. ``sent`` are the addresses with the data of their company."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.sent: list[tuple[str, int, bytes]] = []
        self.is_powered, self.refusal = True, ""
        self.adapters = [ADAPTER]
        self.filters: dict[str, dict[str, object]] = {}
        self.scanning: set[str] = set()
        self.is_quiet = threading.Event()
        self._known: set[str] = set()
        self._over = threading.Event()
        self._bus = open_dbus_connection(address)
        self._bus.bus_proxy.RequestName("org.bluez")
        gone = MatchRule(type="signal", member="NameOwnerChanged")
        self._bus.send_and_get_reply(message_bus.AddMatch(gone))

    def stop(self) -> None:
        self._over.set()
        self.join()
        self._bus.close()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                message = self._bus.receive(timeout=EVERY_SECONDS)
            except TimeoutError:
                self._advertise()
                continue
            kind, fields = message.header.message_type, message.header.fields
            if kind is MessageType.method_call:
                self._answer(message, fields[HeaderFields.member], fields[HeaderFields.sender])
            elif fields.get(HeaderFields.member) == "NameOwnerChanged" and not message.body[2]:
                self.scanning.discard(message.body[0])
                self.is_quiet.set()

    def _answer(self, message, member: str, sender: str) -> None:
        if self.refusal:
            reply = new_error(message, "org.bluez.Error.Failed", "s", (self.refusal,))
        elif member == "GetManagedObjects":
            objects = {
                path: {"org.bluez.Adapter1": {"Powered": ("b", self.is_powered)}}
                for path in self.adapters
            }
            reply = new_method_return(message, "a{oa{sa{sv}}}", (objects,))
        elif member == "SetDiscoveryFilter":
            self.filters[sender] = {name: value for name, (_, value) in message.body[0].items()}
            reply = new_method_return(message)
        elif member == "StartDiscovery" and self.filters.get(sender, {}).get("DuplicateData"):
            self.scanning.add(sender)
            self.is_quiet.clear()
            reply = new_method_return(message)
        else:
            reply = new_error(message, "org.bluez.Error.Failed", "s", (f"no {member}",))
        self._bus.send(reply)

    def _advertise(self) -> None:
        for address, company, data in self.sent if self.scanning else []:
            path = f"{ADAPTER}/dev_{address.replace(':', '_')}"
            told = {"ManufacturerData": ("a{qv}", {company: ("ay", data)}), "RSSI": ("n", -70)}
            if path in self._known:
                where = DBusAddress(path, interface="org.freedesktop.DBus.Properties")
                body = ("org.bluez.Device1", told, [])
                signal = new_signal(where, "PropertiesChanged", "sa{sv}as", body)
            else:
                self._known.add(path)
                where = DBusAddress("/", interface="org.freedesktop.DBus.ObjectManager")
                body = (path, {"org.bluez.Device1": told})
                signal = new_signal(where, "InterfacesAdded", "oa{sa{sv}}", body)
            self._bus.send(signal)
