"""A fresh Debian, and the first minute of a newcomer: install, set up, look, listen."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from tests.grounds.container import Container
from tests.grounds.package import apt, package
from tests.grounds.tree import PROJECT, furnished

pytestmark = [pytest.mark.ground("container"), pytest.mark.ground("browser"),
              pytest.mark.timeout(600)]

VISIT_SECONDS = 60.0
"""For a picture, a sound that plays and a chart, once apt has installed the package."""


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_picture_a_sound_and_a_chart_within_a_minute(release: str) -> None:
    pictures = PROJECT / ".cache/screenshots" / release
    with Container(furnished(release)) as machine:
        machine.put("/root/beemon.deb", package())
        begun = time.monotonic()
        apt(machine, "install ./beemon.deb")
        installed = time.monotonic()
        said = machine.run("beemon", "setup", "--yes", "--simulated").stdout
        if "#code=" not in said:
            said += machine.run("beemon", "page").stdout
        link = re.search(r"http://127\.0\.0\.1:8081/#code=\S+", said)
        assert link, said
        set_up = time.monotonic()
        subprocess.run(
            ["nsenter", "-t", str(machine.leader), "--net", sys.executable, "-m",
             "tests.page.first_visit", link[0], pictures],
            check=True, cwd=PROJECT, timeout=300,
        )
        steps = [installed - begun, set_up - installed, time.monotonic() - set_up]
    print(f"{release}: installed in {steps[0]:.1f} s, set up in {steps[1]:.1f} s, "
          f"seen and heard in {steps[2]:.1f} s")
    assert sum(steps[1:]) < VISIT_SECONDS
