"""The memory of the process that makes the findings of a full day."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.insight import cost


@pytest.mark.process
def test_a_day_of_ten_sensors_and_a_scale_takes_little_memory(tmp_path: Path) -> None:
    cost.make(tmp_path)
    _, megabytes, _ = cost.look(str(tmp_path))
    assert megabytes < cost.MOST_MEGABYTES
