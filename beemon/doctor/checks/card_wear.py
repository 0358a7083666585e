"""The wear of an SD card or eMMC, as it reports it (JEDEC JESD84-B51, 7.4.42 to 7.4.44)."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.doctor.findings import Finding, ok, problem, skipped, warning
from beemon.doctor.machine import Machine

_WORN, _USED_UP = 9, 11
_WHY = "A card that is worn out loses data without a warning."
_NEXT = "beemon backup hive.tar.gz, then replace the card"


def check(machine: Machine) -> Iterator[Finding]:
    """Look at the estimate of each card."""
    found = [*machine.glob("/sys/block/mmcblk*/device/life_time")]
    if not found:
        yield skipped("no card reports its wear")
    for path in found:
        name = path.parent.parent.name
        worn = max((_number(word) for word in (machine.read(path) or "").split()), default=0)
        spare = _number(machine.read(path.with_name("pre_eol_info")) or "0")
        if worn >= _USED_UP or spare >= 3:
            yield problem(f"the card {name} has reached the end of its life", _WHY, _NEXT)
        elif worn >= _WORN or spare == 2:
            yield warning(f"the card {name} has used about {worn * 10} % of its life", _WHY, _NEXT)
        else:
            yield ok(f"the card {name} has used about {worn * 10} % of its life at most")


def _number(text: str) -> int:
    try:
        return int(text.strip(), 16)
    except ValueError:
        return 0
