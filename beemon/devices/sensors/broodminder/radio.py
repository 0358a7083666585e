"""Radio: the advertisements of one Bluetooth device, through BlueZ on the system bus.

BlueZ listens only as long as a program asks it to, and stops when that program leaves the bus. So a
connection is made for each look, and nothing is left behind by a process that was killed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from beemon.devices._base import DeviceError, DeviceMissingError, LibraryMissingError
from beemon.devices._libraries import library

_BLUEZ, _ADAPTER, _DEVICE = "org.bluez", "org.bluez.Adapter1", "org.bluez.Device1"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_MANAGER = "org.freedesktop.DBus.ObjectManager"
_ANSWER_SECONDS = 5.0

_ABSENT = ("ServiceUnknown", "NameHasNoOwner", "Spawn")
"""Parts of the names of errors if nobody answers to BlueZ's name on the bus."""

Variants = Mapping[str, tuple[str, Any]]
"""Properties: each with the signature of its value."""


class Radio:
    """A Bluetooth adapter: the one of that name, such as ``hci0``, or the first."""

    def __init__(self, adapter: str | None) -> None:
        self._adapter = adapter

    def find(self) -> None:
        """Check that the adapter is there and switched on. Raises :class:`DeviceError`."""
        with _connection() as bus:
            self._find(bus)

    def listen(
        self, address: str, company: int, seconds: float
    ) -> Generator[bytes, None, None]:
        """The data that a device sends under a company's number, as they come, for some time.

        Only what is heard meanwhile counts, not what BlueZ still knows. Raises
        :class:`DeviceError`.
        """
        until = time.monotonic() + seconds
        with _connection() as bus:
            adapter = self._find(bus)
            heard = bus.watch(f"{adapter}/dev_{address.replace(':', '_')}")
            bus.call(adapter, _ADAPTER, "SetDiscoveryFilter", "a{sv}", ({
                "Transport": ("s", "le"), "DuplicateData": ("b", True), "Pattern": ("s", address),
            },))
            bus.call(adapter, _ADAPTER, "StartDiscovery")
            while (properties := bus.next_of(heard, until)) is not None:
                _, told = properties.get("ManufacturerData", ("", {}))
                if company in told:
                    yield bytes(told[company][1])

    def _find(self, bus: _Bus) -> str:
        """The path of the adapter."""
        [objects] = bus.call("/", _MANAGER, "GetManagedObjects")
        adapters = {path: told[_ADAPTER] for path, told in objects.items() if _ADAPTER in told}
        wanted = self._adapter
        path = f"/org/bluez/{wanted}" if wanted else min(adapters, default="")
        if path not in adapters:
            raise DeviceMissingError(f"there is no Bluetooth adapter{f' {wanted}' * bool(wanted)}")
        if not adapters[path].get("Powered", ("b", True))[1]:
            raise DeviceError("Bluetooth is switched off; to switch it on: bluetoothctl power on")
        return path


class _Bus:
    """A connection to the system bus."""

    def __init__(self, jeepney: ModuleType, connection: Any) -> None:
        self._jeepney, self._connection = jeepney, connection

    def call(
        self, path: str, interface: str, method: str, signature: str = "",
        body: tuple[object, ...] = (),
    ) -> tuple[Any, ...]:
        """The reply of BlueZ. Raises :class:`DeviceError`."""
        where = self._jeepney.DBusAddress(path, _BLUEZ, interface)
        message = self._jeepney.new_method_call(where, method, signature or None, body)
        return self._reply_to(message)

    def watch(self, path: str) -> deque[Any]:
        """The messages about a device from now on."""
        rule, heard = self._jeepney.MatchRule, deque[Any]()
        changed = rule(
            type="signal", interface=_PROPERTIES, member="PropertiesChanged", path=path
        )
        added = rule(type="signal", interface=_MANAGER, member="InterfacesAdded", path="/")
        added.add_arg_condition(0, path, kind="path")
        for one in (changed, added):
            self._connection.filter(one, queue=heard).__enter__()  # until the connection ends
            self._reply_to(self._jeepney.message_bus.AddMatch(one))
        return heard

    def next_of(self, heard: deque[Any], until: float) -> Variants | None:
        """The next properties of the device; None when the time is over."""
        try:
            message = self._connection.recv_until_filtered(
                heard, timeout=max(0.0, until - time.monotonic())
            )
        except TimeoutError:
            return None
        subject, told = message.body[:2]
        properties: Variants = told if subject == _DEVICE else told.get(_DEVICE, {})
        return properties

    def _reply_to(self, message: Any) -> tuple[Any, ...]:
        reply = self._connection.send_and_get_reply(message, timeout=_ANSWER_SECONDS)
        fields = self._jeepney.HeaderFields
        name = reply.header.fields.get(fields.error_name)
        if name is None:
            body: tuple[Any, ...] = reply.body
            return body
        said = reply.body[0] if reply.body else name
        if any(part in name for part in _ABSENT):
            raise LibraryMissingError(f"BlueZ does not run ({said}); apt install bluez")
        raise DeviceError(f"BlueZ refused: {said}")


@contextmanager
def _connection() -> Iterator[_Bus]:
    jeepney, blocking = library("jeepney"), library("jeepney.io.blocking")
    try:
        connection = blocking.open_dbus_connection(bus="SYSTEM")
    except OSError as error:
        raise LibraryMissingError(
            f"the system's D-Bus cannot be reached ({error}); apt install dbus bluez"
        ) from error
    with connection:
        try:
            yield _Bus(jeepney, connection)
        except DeviceError:
            raise
        except OSError as error:  # a time-out, or a bus that ends
            raise DeviceError(f"BlueZ does not answer: {error}") from error
