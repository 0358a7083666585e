"""Settings: the table [upload] of the config."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from beemon.base.options import (
    BadOptionError,
    absolute_path,
    in_toml,
    option,
    size,
)


def _remote(value: object) -> str:
    """A remote that shows no secret on a command line."""
    if not isinstance(value, str) or not value.isprintable() or not value.strip():
        raise BadOptionError(f'must be a remote such as "nas:hives", not {in_toml(value)}')
    is_place = value.startswith("/") or ":" in value
    if value.startswith(("-", ":")) or not is_place or "," in value.partition(":")[0]:
        raise BadOptionError(
            f'must be "NAME:FOLDER", with a NAME from the config of rclone, not {in_toml(value)}'
        )
    return value


def _rate(value: object) -> float:
    rate = size(value)
    if rate < 1000:
        raise BadOptionError(f'must be at least "1kB", not {in_toml(value)}')
    return rate


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where recordings are uploaded to, and how."""

    remote: str = option(
        parse=_remote, doc='The place for the recordings: `"NAME:FOLDER"` with a remote of rclone, '
        'a folder of another disk, or `"USER@HOST:FOLDER"` for rsync.'
    )
    driver: Literal["rclone", "rsync"] = option("rclone", doc="The program that carries the files.")
    config_file: Path | None = option(
        None, parse=absolute_path, doc="The config of rclone, made by `rclone config`. Only its "
        "owner and the group `beemon` may read it."
    )
    key_file: Path | None = option(
        None, parse=absolute_path, doc="For rsync: the private key of ssh."
    )
    known_hosts_file: Path | None = option(
        None, parse=absolute_path, doc="For rsync: the keys of the servers that are trusted, made "
        "by `ssh-keyscan`."
    )
    port: int = option(22, minimum=1, maximum=65535, doc="For rsync: the port of ssh.")
    read_back: bool = option(
        True, doc="Whether a file is downloaded again to prove it, where the remote storage offers "
        "no hash. Otherwise no recording counts as uploaded there, and none is deleted first."
    )
    rate: float | None = option(
        None, parse=_rate, doc="The largest number of bytes a second, such as `\"200kB\"`."
    )
    check_days: int = option(
        7, minimum=1, maximum=366, doc="The number of latest days that are compared with the "
        "remote storage once a day."
    )

    def __post_init__(self) -> None:
        if self.driver == "rsync" and self.known_hosts_file is None:
            raise BadOptionError('driver "rsync" needs "known_hosts_file"')
        if self.driver == "rclone" and self.config_file is None and self.remote[0] != "/":
            raise BadOptionError('a remote of rclone needs "config_file"')
