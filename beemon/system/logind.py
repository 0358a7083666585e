"""Logind: have systemd power the machine off, if the machine's owner lets the service do that.

systemd-logind takes the order, and the rules of polkit decide who may give it. ``busctl``, a part
of systemd, speaks to it: it works within the sandbox of the unit, and no D-Bus library is needed.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from beemon.base import clock
from beemon.base.moments import US_PER_SECOND, iso

NEXT_WAKE = "next-wake"
"""The file in the runtime directory with the time at which the machine should start again."""
SETTLE_SECONDS = 20.0
"""Time, in seconds, in which a shutdown that has begun ends the service."""
_ANSWER_SECONDS = 25.0
_MANAGER = (
    "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
)
_CALL = ("busctl", "--system", "--allow-interactive-authorization=no", "call", *_MANAGER)

Told = Callable[[str | None], None]
"""Takes the reason why the machine is not powered off, or None."""


class Logind:
    """Asks logind. A bus may be slow, so each question has a thread of its own, which calls back.

    An order counts as refused if the service still runs ``settle_seconds`` after an error.
    """

    def __init__(self, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._settle_seconds = settle_seconds

    def may_power_off(self, told: Told) -> None:
        """Ask whether the service may power the machine off; changes nothing."""
        _begin(_why_not, told)

    def power_off(self, wake_us: int | None, told: Told) -> None:
        """Note when the machine should start again (µs since 1970, UTC), and power it off.

        systemd then stops the service like any other.
        """

        def order() -> str | None:
            _write_next_wake(wake_us)
            why_not, _ = _ask("PowerOff", "b", "false")
            if why_not:
                # A shutdown ends logind, too, sometimes before its answer.
                time.sleep(self._settle_seconds)
                _write_next_wake(None)
            return why_not

        _begin(order, told)


def _write_next_wake(wake_us: int | None) -> None:
    """Write, for a script at the shutdown, when to start again; None: there is no such time.

    The file has one line, with the seconds since 1970 and the same time for people. Raises
    ``OSError``.
    """
    file = _file()
    if file is None:
        return
    if wake_us is None:
        file.unlink(missing_ok=True)
        return
    fresh = file.with_name(f"{NEXT_WAKE}.new")
    fresh.write_text(f"{wake_us // US_PER_SECOND} {iso(wake_us)}\n")
    fresh.rename(file)


def _file() -> Path | None:
    return clock.mark(NEXT_WAKE)


def _begin(ask: Callable[[], str | None], told: Told) -> None:
    def answer() -> None:
        try:
            why_not = ask()
        except OSError as error:
            why_not = error.strerror or str(error)
        told(why_not)

    threading.Thread(target=answer, name="logind", daemon=True).start()


def _why_not() -> str | None:
    if _file() is None:
        return "beemon is not a service of systemd here"
    why_not, answer = _ask("CanPowerOff")
    if why_not or '"yes"' in answer:
        return why_not
    return "systemd does not let beemon power the machine off"


def _ask(method: str, *arguments: str) -> tuple[str | None, str]:
    """Return the objection of logind, or None, and its answer. Raises ``OSError``."""
    try:
        said = subprocess.run(
            (*_CALL, method, *arguments), capture_output=True, text=True, errors="replace",
            timeout=_ANSWER_SECONDS, check=False,
        )
    except subprocess.TimeoutExpired:
        return "systemd does not answer", ""
    if said.returncode:
        words = said.stderr.removeprefix("Call failed:").split()
        return f"systemd says: {' '.join(words) or said.returncode}", ""
    return None, said.stdout
