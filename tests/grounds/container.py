"""A Debian machine for a test: a system tree, copied on write, booted with systemd.

    with Container(bare("trixie")) as machine:
        machine.run("systemctl", "is-active", "dbus")

It has a network of its own with nothing but a loopback, unless it is given this machine's.
Layers stack: ``Container(first.upper, tree)`` begins where ``first`` ended.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.grounds.deadline import PATIENCE_SECONDS, until

BOOT = Path(__file__).with_name("boot")
TOOLS = ["mmdebstrap", "nsenter", "setpriv", "systemd-nspawn", "unshare"]
APART = ["setpriv", "--pdeathsig", "KILL"]
APART += ["unshare", "--mount", "--propagation=private", "--pid", "--mount-proc"]
APART += ["--fork", "--kill-child"]
"""Whatever ends the test also ends the container: every process of it, and its mounts."""
ENVIRONMENT = {
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}

RELEASES = [pytest.param("bookworm", marks=pytest.mark.long), "trixie"]
"""What most is shown on: with BEEMON_LONG on Debian 12 too."""

Completed = subprocess.CompletedProcess[str]


@cache
def missing() -> str | None:
    """What this machine lacks to boot one, or None."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    if absent := [tool for tool in TOOLS if not shutil.which(tool)]:
        return f"not installed: {', '.join(absent)}"
    return None if _can_overlay() else f"no copy on write (overlay) is possible in {_runs()}"


class Container:
    """Boots on entering, is gone on leaving; only ``upper``, what was changed, can be kept."""

    def __init__(self, *layers: Path, network: bool = False, binds: Sequence[str] = ()) -> None:
        self.layers = layers
        self.name = f"beemon-{secrets.token_hex(4)}"
        self.place = Path(tempfile.mkdtemp(prefix=f"{self.name}.", dir=_runs()))
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.leader: int | None = None
        self._options = [] if network else ["--private-network"]
        self._options += [f"--bind-ro={bind}" for bind in binds]

    @property
    def upper(self) -> Path:
        """The layer that holds what changed since the boot."""
        return self.place / "upper"

    def __enter__(self) -> "Container":
        try:
            self.boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self.place)

    def boot(self) -> None:
        """Start it and wait until systemd has started everything."""
        with (self.place / "console").open("wb") as console:
            self._nspawn = subprocess.Popen(self._command(), stdout=console, stderr=console)
        self.leader = until(self._find_leader, "the container's first process")
        until(self._is_up, "the container's boot")

    def kill(self) -> None:
        """Pull the plug."""
        if self._nspawn:
            for nspawn in _children(self._nspawn.pid):
                os.kill(nspawn, signal.SIGKILL)
            self._nspawn.wait(PATIENCE_SECONDS)
        _remove_cgroups(self.name)

    def shut_down(self) -> None:
        """Let systemd stop everything in order."""
        self.run("systemctl", "poweroff")
        self.wait_until_off()

    def wait_until_off(self) -> None:
        """Return when it has shut down, for its own reasons."""
        assert self._nspawn
        self._nspawn.wait(PATIENCE_SECONDS)
        _remove_cgroups(self.name)

    def run(
        self, *command: str, check: bool = True, timeout: float = PATIENCE_SECONDS, **more: Any
    ) -> Completed:
        """Run a command inside, as root, and wait for it. Its errors are in its output."""
        result = subprocess.run(
            ["nsenter", "-t", str(self.leader), "-a", "--", "env", "-i", *_environment(), *command],
            **{"input": "", **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
        )
        ended = f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout[-25_000:]}"
        assert not check or result.returncode == 0, ended
        return result

    def shell(self, script: str, **more: Any) -> str:
        """The output of a shell script run inside."""
        return self.run("sh", "-euc", script, **more).stdout

    def put(self, path: str, content: str | bytes | Path) -> None:
        """Write a file inside: a text, bytes, or a copy of a file of this machine."""
        if isinstance(content, Path):
            content = content.read_bytes()
        target = Path(f"/proc/{self.leader}/root{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def journal(self, *matches: str) -> str:
        """What the journal inside says, of all or of ``matches`` (``-u beemon``, ``JOB=3``)."""
        return self.run("journalctl", "--no-pager", "--boot", *matches).stdout

    def _command(self) -> list[str]:
        layers = ":".join(map(str, self.layers))
        return [*APART, str(BOOT), self.name, layers, str(self.place), *self._options]

    def _find_leader(self) -> int | None:
        assert self._nspawn
        if self._nspawn.poll() is not None:
            raise AssertionError(f"it did not boot: {(self.place / 'console').read_text()}")
        nspawn = _children(self._nspawn.pid)
        inits = [pid for parent in nspawn for pid in _children(parent) if _is_init(pid)]
        return inits[0] if inits else None

    def _is_up(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")


def _environment() -> list[str]:
    return [f"{name}={value}" for name, value in ENVIRONMENT.items()]


def _runs() -> Path:
    """Where containers keep their changes; a file system that overlays can use."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    runs = home / "beemon" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    return runs


def _can_overlay() -> bool:
    """Whether a layer can be put over another where the changes are kept; in a container, no."""
    with tempfile.TemporaryDirectory(dir=_runs()) as place:
        script = """
            cd "$1"; mkdir lower upper work root
            mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay root
        """
        tried = ["unshare", "--mount", "sh", "-euc", script, "-", place]
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]
    return []


def _is_init(pid: int) -> bool:
    """Whether the process is the first of a process namespace of its own."""
    with suppress(OSError, StopIteration):
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(line for line in status if line.startswith("NSpid:")).endswith("\t1")
    return False


def _remove_cgroups(name: str) -> None:
    for hierarchy in ("", "systemd", "unified"):
        top = Path("/sys/fs/cgroup", hierarchy, name)
        for folder, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
