"""Real far ends for tests: servers on this machine, and folders in which what they store is seen.

Each class starts its server, and makes a driver for it. A folder of `files` shows what is stored.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from beemon.uplink.destinations.upload.rclone import Rclone
from beemon.uplink.destinations.upload.rsync import Login, Rsync
from tests.hive import free_port, until

PASSWORD = "Honig-und-Wachs-4711"
MOTO = Path(sys.executable).with_name("moto_server")


def missing(kind: str) -> str | None:
    """Why this kind of far end cannot be tried here."""
    needed = {"rsync": ["rsync", "sshd"]}.get(kind, ["rclone"])
    path = f"{os.environ['PATH']}:/usr/sbin"
    for program in needed:
        if shutil.which(program, path=path) is None:
            return f"{program} is not installed"
    if kind == "s3" and not MOTO.exists():
        return "moto is not installed"
    return None


class FarEnd:
    """One far end: its config for rclone, and the folder of its files (None: they are not seen)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: Path | None = folder / "stored"
        self.port = free_port()
        self.remote = "hive:"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "stored").mkdir(exist_ok=True)

    def command(self) -> Sequence[str | Path] | None:
        """What starts the server; None: there is none."""
        return None

    def config(self) -> dict[str, str]:
        """The remote `hive` in the config of rclone."""
        raise NotImplementedError

    def config_file(self) -> Path:
        """The config of rclone, which only its owner can read."""
        file = self.folder / "rclone.conf"
        lines = [f"{name} = {value}" for name, value in self.config().items()]
        file.touch(0o600)
        file.write_text("\n".join(["[hive]", *lines, ""]))
        return file

    def driver(self, state: Path, rate: float | None = None) -> Rclone | Rsync:
        """A driver for it."""
        return Rclone(self.remote, state, self.config_file(), rate)

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        command = self.command()
        if command is None:
            return
        log = (self.folder / "server.log").open("ab")
        environment = {**os.environ, "RCLONE_CONFIG": os.devnull}
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        log.close()
        until(self.listens)

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def listens(self) -> bool:
        """Whether the server answers."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
            return True
        return False

    @property
    def address(self) -> str:
        """Where the server listens."""
        return f"127.0.0.1:{self.port}"


class Folder(FarEnd):
    """A folder of another disk."""

    def config(self) -> dict[str, str]:
        return {"type": "alias", "remote": str(self.files)}


class WebDav(FarEnd):
    """WebDAV, which offers no hash."""

    def command(self) -> Sequence[str | Path]:
        assert self.files is not None
        login = ("--user", "hive", "--pass", PASSWORD)
        return ["rclone", "serve", "webdav", self.files, "--addr", self.address, *login]

    def config(self) -> dict[str, str]:
        return {
            "type": "webdav", "url": f"http://{self.address}", "vendor": "other", "user": "hive",
            "pass": obscured(PASSWORD),
        }


class Sftp(FarEnd):
    """SFTP with a shell, in which rclone runs `md5sum`."""

    def command(self) -> Sequence[str | Path]:
        assert self.files is not None
        key = make_key(self.folder / "host")
        login = ("--user", "hive", "--pass", PASSWORD)
        return ["rclone", "serve", "sftp", self.files, "--addr", self.address, "--key", key, *login]

    def known_hosts(self) -> Path:
        """The server's key, as ssh keeps it."""
        key = make_key(self.folder / "host")
        file = self.folder / "known_hosts"
        file.write_text(f"[127.0.0.1]:{self.port} {key.with_suffix('.pub').read_text()}")
        return file

    def config(self) -> dict[str, str]:
        return {
            "type": "sftp", "host": "127.0.0.1", "port": str(self.port), "user": "hive",
            "pass": obscured(PASSWORD), "known_hosts_file": str(self.known_hosts()),
        }


class SftpWithoutShell(Sftp):
    """SFTP without a shell, as for accounts that may only store files."""

    def config(self) -> dict[str, str]:
        return {**super().config(), "shell_type": "none"}


class S3(FarEnd):
    """S3 as moto serves it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.files = None
        self.remote = "hive:bucket"

    def command(self) -> Sequence[str | Path]:
        return [MOTO, "-H", "127.0.0.1", "-p", str(self.port)]

    def config(self) -> dict[str, str]:
        return {
            "type": "s3", "provider": "Other", "access_key_id": "testing", "region": "us-east-1",
            "secret_access_key": PASSWORD, "endpoint": f"http://{self.address}",
        }


class Server(Sftp):
    """A server with sshd, reached by rsync."""

    def command(self) -> Sequence[str | Path]:
        key, host = make_key(self.folder / "key"), make_key(self.folder / "host")
        allowed = self.folder / "authorized_keys"
        allowed.write_text(key.with_suffix(".pub").read_text())
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {host}\nPidFile none\n"
            f"AuthorizedKeysFile {allowed}\nStrictModes no\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin yes\n" + self.limits()
        )
        return ["/usr/sbin/sshd", "-D", "-e", "-f", config]

    def limits(self) -> str:
        """More of sshd's config."""
        return ""

    def driver(self, state: Path, rate: float | None = None) -> Rsync:
        login = Login(self.known_hosts(), self.folder / "key", self.port)
        return Rsync(f"root@127.0.0.1:{self.files}", state, login, rate)


class ServerWithoutShell(Server):
    """A server on which the account may only run rsync."""

    def limits(self) -> str:
        script = self.folder / "only-rsync"
        script.write_text('#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in\n'
                          '"rsync --server "*) exec $SSH_ORIGINAL_COMMAND ;;\nesac\nexit 1\n')
        script.chmod(0o755)
        return f"ForceCommand {script}\n"


KINDS: dict[str, type[FarEnd]] = {
    "folder": Folder, "webdav": WebDav, "sftp": Sftp, "sftp-without-shell": SftpWithoutShell,
    "s3": S3, "rsync": Server, "rsync-without-shell": ServerWithoutShell,
}
PROOFS = {
    "folder": "hash", "webdav": "read-back", "sftp": "hash", "sftp-without-shell": "read-back",
    "s3": "hash", "rsync": "hash", "rsync-without-shell": "read-back",
}
"""What each can prove."""


@contextlib.contextmanager
def running(kind: str, folder: Path) -> Iterator[FarEnd]:
    """A far end that works."""
    far_end = KINDS[kind](folder)
    far_end.start()
    try:
        yield far_end
    finally:
        far_end.stop()


def obscured(password: str) -> str:
    """A password as rclone keeps it."""
    ran = subprocess.run(
        ["rclone", "obscure", "-"], input=password, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def make_key(file: Path) -> Path:
    """A key of ssh in a file; its public half is beside it."""
    if not file.exists():
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
        subprocess.run(command, check=True)
    return file
