"""Counting: the worker's task that counts the bees in a recorded video.

The Orchestrator enters their number.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from beemon.base.defects import attempt
from beemon.base.facts import JsonObject, to_json
from beemon.ledger.uncounted import Bees
from beemon.worker.messages import Done

LOOK = "counting"
"""The name of the look at the data that a defect switches off."""


def count(number: int, video: Path, length: float | None) -> Done:
    """The answer to the task ``number``: the bees, if they can be counted, and the CPU time.

    ``length`` is that of a bee in pixels, if it is known. Raises ``OSError`` if the disk fails.
    """
    began = time.process_time()
    facts, defect = attempt(partial(_facts, video, length), {})
    cpu = time.process_time() - began
    return Done(number, facts={**facts, "cpu": cpu}, defects={LOOK: defect} if defect else {})


def _facts(video: Path, length: float | None) -> JsonObject:
    from beemon.checks.counting import count_bees  # where it cannot be loaded, that is a defect
    from beemon.media.container import UndecodableError

    try:
        found = count_bees(video, length)
    except UndecodableError:  # it may be gone by now
        return {}
    return {"bees": to_json(Bees(found.bees, found.out, found.came))} if found else {}
