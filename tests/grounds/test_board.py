"""What only real pins can show: the kernel's GPIO lines, with lgpio on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.grounds import board

pytestmark = [pytest.mark.ground("board"), pytest.mark.long, pytest.mark.timeout(900)]


def test_outputs_and_counters_on_the_kernels_own_lines(tmp_path: Path) -> None:
    board.run("python3 /beemon/tests/board/check_gpio.py", tmp_path, seconds=420)
