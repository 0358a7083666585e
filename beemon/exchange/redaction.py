"""Redaction: take secrets, positions, addresses and serial numbers out of texts for strangers.

Each address, name and serial number gets a number, and the same one each time. So two lines about
one machine can still be recognised. In doubt a text loses more than it needs to.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable

SECRET, POSITION = "<secret>", "<position>"

_KEY = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|psk|secret|token|api[_-]?key|private[_-]?key|wep[_-]?key"
    r"|\bkey|ping[_-]?url|credential|bearer|cookie|csrf|\bcode|authorization|scrypt|salt)[\w.-]*"
)
_VALUE = r"(?:\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s,;}\]]+)"
_NAMED = re.compile(
    rf"(?i)([\"']?(?!{_KEY}_file\b){_KEY}[\"']?\s*[=:]\s*)(?:(?:Bearer|Basic)\s+)?{_VALUE}"
)
_SPOKEN = re.compile(
    rf"(?i)\b(auth|password|passphrase|psk|bearer|basic|token)(\s+)(?!file\b|is\b|was\b){_VALUE}"
)
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)", re.S)
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s\"'<>]*@")
_QUERY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s\"'?#]+)[?#][^\s\"']+")
_URL_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://(?:<secret>@)?)([A-Za-z0-9._-]+)")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HASH = re.compile(r"\$(?:scrypt|[0-9a-z]{1,2})\$[^\s\"']+")

_PLACE = re.compile(
    r"(?i)(\b(?:latitude|longitude|lat|lon|lng|position)\b[\"']?\s*(?:[=:]|is|was|of)?\s*)"
    r"[-+]?\d+(?:\.\d+)?(?:\s*,\s*[-+]?\d+(?:\.\d+)?)?"
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d{1,3}\.(\d{2,})(?![\w])")

_MAC = re.compile(r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f])")
_MAC_NAME = re.compile(r"\b(enx|wlx|dev_)((?:[0-9A-Fa-f]{2}_?){5}[0-9A-Fa-f]{2})\b")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%\w+)?(?![\w:])")
_SSID = re.compile(rf"(?i)\b(e?ssid[\"']?(?:\s*[=:]\s*|\s+))({_VALUE})")
_LOCAL = re.compile(r"(?i)\b([a-z0-9][a-z0-9-]*)(\.(?:local|lan|home|fritz\.box|internal)\b)")
_HOME = re.compile(r"(/home/)([^/\s\"':]+)")

_SERIAL = re.compile(
    r"(?i)(\b(?:serial(?:[ _-]?(?:number|no|short))?|iSerial|cid|csd)[\"']?\s*[=:]\s*[\"']?)"
    r"([\w.:-]{4,})"
)
_ONE_WIRE = re.compile(r"\b([0-9a-f]{2}-)([0-9a-f]{12})\b")
_BY_ID = re.compile(r"(\busb-[\w.:+-]*?_)([A-Za-z0-9.:+-]+?)(?=-(?:video|\d\d|if\d\d|0:0|event))")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_LONG_HEX = re.compile(r"(?<![\w])[0-9a-f]{32}(?![\w])")
_PART_UUID = re.compile(r"(?i)(PARTUUID=)([0-9a-f-]+)")

_COMMON = {
    "localhost", "beemon", "beemon-web", "beemon-uplink", "raspberrypi", "raspberry", "debian",
    "pi", "root", "nobody", "hive", "broadcasthost",
}
"""Common names of hosts and users, which identify nobody."""
_LEAST_LETTERS, _LEAST_OF_SECRETS = 2, 4


class Redactor:
    """Redacts texts. ``secrets``, ``hosts``, ``networks``, ``users`` and ``serials`` are known
    values; ``places`` are coordinates in degrees."""

    def __init__(
        self, *, secrets: Iterable[str] = (), hosts: Iterable[str] = (),
        networks: Iterable[str] = (), users: Iterable[str] = (), serials: Iterable[str] = (),
        places: Iterable[float] = (),
    ) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._secrets = _longest_first(secrets, _LEAST_OF_SECRETS)
        self._known = [
            (kind, _word(value)) for kind, values in
            (("ssid", networks), ("host", hosts), ("user", users), ("serial", serials))
            for value in _longest_first(values, _LEAST_LETTERS)
        ]
        self._places = [*places]

    def redact(self, text: str) -> str:
        """The text without anything that is nobody else's business."""
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        for step in (
            self._redact_secrets, self._redact_networks, self._redact_places,
            self._redact_serials, self._redact_known, self._redact_addresses,
        ):
            text = step(text)
        return text

    def _redact_secrets(self, text: str) -> str:
        text = _PRIVATE.sub(SECRET, text)
        text = _USERINFO.sub(rf"\1{SECRET}@", text)
        text = _QUERY.sub(rf"\1?{SECRET}", text)
        text = _NAMED.sub(rf"\1{SECRET}", text)
        text = _SPOKEN.sub(rf"\1\2{SECRET}", text)
        text = _HASH.sub(SECRET, text)
        return _MAIL.sub(self._numbered("mail"), text)

    def _redact_networks(self, text: str) -> str:
        return _SSID.sub(self._numbered("ssid", 2), text)

    def _redact_places(self, text: str) -> str:
        text = _PLACE.sub(rf"\1{POSITION}", text)
        return _NUMBER.sub(self._place, text) if self._places else text

    def _place(self, match: re.Match[str]) -> str:
        """A number that is a coordinate, however it was rounded or cut."""
        value, digits = abs(float(match[0])), len(match[1])
        is_place = any(abs(value - abs(place)) <= 1.01 * 10**-digits for place in self._places)
        return POSITION if is_place else match[0]

    def _redact_serials(self, text: str) -> str:
        for pattern in (_ONE_WIRE, _BY_ID, _SERIAL, _PART_UUID):
            text = pattern.sub(self._numbered("serial", 2), text)
        for pattern in (_UUID, _LONG_HEX):
            text = pattern.sub(self._numbered("id"), text)
        return text

    def _redact_known(self, text: str) -> str:
        for kind, pattern in self._known:
            text = pattern.sub(self._numbered(kind), text)
        return text

    def _redact_addresses(self, text: str) -> str:
        text = _MAC.sub(self._numbered("mac"), text)
        text = _MAC_NAME.sub(self._numbered("mac", 2), text)
        text = _URL_HOST.sub(self._numbered("host", 2, _is_public), text)
        text = _LOCAL.sub(lambda match: self._label("host", match[1]) + match[2], text)
        text = _HOME.sub(self._numbered("user", 2), text)
        text = _IPV4.sub(self._numbered("ip", 0, _is_no_address), text)
        return _IPV6.sub(self._numbered("ip", 0, _is_no_address), text)

    def _numbered(
        self, kind: str, group: int = 0, stays: Callable[[str], bool] = lambda _: False
    ) -> Callable[[re.Match[str]], str]:
        """A replacement for one group of a match, or for all of it."""
        def replace(match: re.Match[str]) -> str:
            found = match[group]
            if found.startswith("<") or stays(found):
                return match[0]
            start, end = match.span(group)
            before, after = match.span()
            rest = match.string[before:start], match.string[end:after]
            return rest[0] + self._label(kind, found) + rest[1]

        return replace

    def _label(self, kind: str, value: str) -> str:
        value = value.strip("\"'")
        if value.lower() in _COMMON:
            return value
        key = (kind, value.lower())
        number = self._numbers.setdefault(key, 1 + sum(k == kind for k, _ in self._numbers))
        return f"<{kind}-{number}>"


def _longest_first(values: Iterable[str], least: int) -> list[str]:
    """The values that are long enough, without the common ones."""
    found = {value.strip() for value in values}
    return sorted(
        (value for value in found if len(value) >= least and value.lower() not in _COMMON),
        key=len, reverse=True,
    )


def _word(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![\w<]){re.escape(value)}(?![\w>])")


def _is_public(host: str) -> bool:
    """Whether a host of a URL identifies nobody: this machine itself, or an address."""
    return host.lower() in _COMMON or _IPV4.fullmatch(host) is not None


def _is_no_address(text: str) -> bool:
    """Whether a text is no address, or one that every machine has."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return True
    return address.is_loopback or address.is_unspecified
