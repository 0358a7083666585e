"""The table [web] of the config: the address of the page, and other names for it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from beemon.base.options import BadOptionError, absolute_path, in_toml, option, split_url


def _address(value: object) -> str:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    try:
        ipaddress.ip_address(host.strip("[]"))
        if not 1 <= int(port) <= 65535:
            raise ValueError(port)
    except ValueError as error:
        raise BadOptionError(
            f'must be an IP address and a port such as "0.0.0.0:8081", not {in_toml(value)}'
        ) from error
    return f"{host}:{port}"


def _url(value: object) -> str:
    parts = split_url(value)
    if parts is None:
        raise BadOptionError(
            f'must be an address such as "https://hive.example", not {in_toml(value)}'
        )
    return parts.geturl()


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(_is_host(name) for name in value):
        raise BadOptionError(f'must be names such as ["hive.lan"], not {in_toml(value)}')
    return tuple(value)


def _is_host(name: object) -> bool:
    return isinstance(name, str) and bool(name) and not set(name) & set("/:*@ ")


def _addresses(value: object) -> tuple[str, ...]:
    try:
        if not isinstance(value, list):
            raise TypeError("no list")
        return tuple(str(ipaddress.ip_address(entry)) for entry in value)
    except (TypeError, ValueError) as error:
        raise BadOptionError(f'must be IP addresses such as ["127.0.0.1"], not {in_toml(value)}') \
            from error


@dataclass(frozen=True, kw_only=True)
class WebSettings:
    """The page's own address, and other ways to it."""

    address: str = option("127.0.0.1:8081", parse=_address)
    public_url: str | None = option(None, parse=_url)
    hosts: tuple[str, ...] = option((), parse=_names)
    trusted_proxies: tuple[str, ...] = option((), parse=_addresses)
    certificate: Path | None = option(None, parse=absolute_path)
    key: Path | None = option(None, parse=absolute_path)

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise BadOptionError('"certificate" and "key" belong together: give both or none')
