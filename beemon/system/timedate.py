"""Timedate: ask systemd for the state of the clock if the kernel cannot be asked.

The sandbox of the unit refuses adjtimex(2) (ProtectClock=), and only systemd-timesyncd leaves a
mark. ``timedatectl`` also knows the work of chrony and ntpd, because it asks the kernel outside of
the sandbox. Its answer becomes a mark for all processes of the service
(:data:`beemon.base.clock.CONFIRMED`).
"""

from __future__ import annotations

import logging
import subprocess
import threading
from pathlib import Path

from beemon.base import clock
from beemon.base.clock import Quality

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_SECONDS = 600.0
_ANSWER_SECONDS = 20.0
_QUESTION = ("timedatectl", "show", "--property=NTPSynchronized", "--value")


def begin_asking() -> None:
    """Ask in a separate thread, if it is useful, until the answer is yes."""
    mark = clock.mark(clock.CONFIRMED)
    if mark is None or clock.kernel_error_us() is not None:
        return
    threading.Thread(target=ask_until_yes, args=(mark,), name="timedate", daemon=True).start()


def ask_until_yes(mark: Path, pause: float = FIRST_PAUSE_SECONDS) -> None:
    """Ask again and again, less and less often; make the mark and return once it is so.

    A machine that has no memory or no process left for the question is asked later.
    """
    waiting = threading.Event()
    while clock.quality() is not Quality.SYNCHRONISED:
        try:
            if is_synchronised():
                mark.touch()
        except FileNotFoundError:
            return  # no systemd, or no runtime directory
        except OSError as error:
            log.warning("timedatectl cannot be asked whether the clock is right: %s", error)
        waiting.wait(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def is_synchronised() -> bool:
    """Whether systemd reports a synchronised clock; False if it does not answer. Raises
    ``OSError``."""
    try:
        answer = subprocess.run(
            _QUESTION, capture_output=True, timeout=_ANSWER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return answer.stdout.strip() == b"yes"
