"""Settings: the table [upload] of the config."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from beemon.base.options import (
    BadOptionError,
    in_toml,
    option,
    size,
)
from beemon.uplink.files import PUBLIC_FILE, SECRET_FILE, FileOption, open_remedy

_RCLONE_CONFIG = FileOption(
    is_secret=True, how=f"sudo rclone --config {{file}} config; {open_remedy('{file}')}"
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
    """Each recording is uploaded to a storage elsewhere, with a proof that it arrived.

    The proof is a hash that the storage computes. If it offers none, the file is downloaded again.
    Only a recording with a proof counts as uploaded, and is deleted first if the disk is full. The
    command ``beemon upload status`` shows the uploads.

    A recording has the name ``HIVE/DAY/NAME`` there. Each day has a manifest, which lists its
    recordings with their SHA-256. Trust only files that a manifest lists. If another archive
    already uses the folder of the hive, the number of this archive is added to its name. Nothing is
    ever deleted there, but damaged files are replaced.

    Make the config of rclone as root, and let the group read it:

        sudo rclone --config /etc/beemon/rclone.conf config
        sudo chgrp beemon /etc/beemon/rclone.conf
        sudo chmod 640 /etc/beemon/rclone.conf

    A remote of the type sftp needs ``known_hosts_file`` in that config. Then:

        [upload]
        remote = "nas:hives"
        config_file = "/etc/beemon/rclone.conf"
    """

    remote: str = option(
        parse=_remote, doc='the place for the recordings: ``"NAME:FOLDER"`` with a remote of '
        'rclone, a folder of another disk, or ``"USER@HOST:FOLDER"`` for rsync'
    )
    driver: Literal["rclone", "rsync"] = option("rclone", doc="the program that carries the files")
    config_file: Path | None = option(
        None, parse=_RCLONE_CONFIG, doc="the config of rclone. Only its owner and the group "
        "``beemon`` may read it. beemon works with a copy, in which rclone renews its tokens"
    )
    key_file: Path | None = option(
        None, parse=SECRET_FILE, doc="for rsync: the private key of ssh"
    )
    known_hosts: Path | None = option(
        None, parse=PUBLIC_FILE, doc="for rsync: the file of the servers' keys, made by "
        "``ssh-keyscan``"
    )
    port: int = option(22, minimum=1, maximum=65535, doc="for rsync: the port of ssh")
    read_back: bool = option(
        True, doc="download a file again to prove it, if the storage offers no hash. Otherwise "
        "no recording counts as uploaded there, and none is deleted first"
    )
    rate: float | None = option(
        None, parse=_rate, doc='the largest number of bytes a second, such as ``"200kB"``'
    )
    check_days: int = option(
        7, minimum=1, maximum=366, doc="the number of latest days that are compared with the "
        "storage once a day"
    )

    def __post_init__(self) -> None:
        if self.driver == "rsync" and self.known_hosts is None:
            raise BadOptionError('driver "rsync" needs "known_hosts"')
        if self.driver == "rclone" and self.config_file is None and self.remote[0] != "/":
            raise BadOptionError('a remote of rclone needs "config_file"')
