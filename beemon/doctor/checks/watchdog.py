"""The hardware watchdog: it restarts a machine that hangs as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, skipped, unknown, warning
from beemon.doctor.machine import Machine, NotFixedError

_FILE = "/etc/systemd/system.conf.d/hardware-watchdog.conf"
_TEXT = """\
# Made by beemon doctor. The timer of a Raspberry Pi counts no further than about 15 s.
[Manager]
RuntimeWatchdogSec=14
RebootWatchdogSec=2min
"""


def check(machine: Machine) -> Iterator[Finding]:
    """Ask systemd if it feeds the watchdog."""
    if not machine.glob("/dev/watchdog*"):
        yield skipped("the machine has no hardware watchdog")
        return
    ran = machine.run("systemctl", "show", "--property=RuntimeWatchdogUSec", "--value")
    if ran is None or not ran.is_well:
        yield unknown("systemd does not report its watchdog", "systemctl show | grep Watchdog")
    elif ran.text.strip() in ("0", "infinity", ""):
        yield warning(
            "the hardware watchdog is not used",
            "If the whole machine hangs, somebody has to go there and restart it.",
            "see /usr/share/doc/beemon/examples/hardware-watchdog.conf",
        )
    else:
        yield ok(f"the hardware watchdog restarts the machine after {ran.text.strip()}")


def fix(machine: Machine) -> str:
    """Let systemd feed it."""
    if not machine.is_pi:
        raise NotFixedError("the longest time of this machine's watchdog is not known")
    machine.replace(machine.at(_FILE), _TEXT)
    machine.change("systemctl", "daemon-reexec")
    return "the hardware watchdog restarts the machine if it hangs"
