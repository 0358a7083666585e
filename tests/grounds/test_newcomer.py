"""A clone in an empty folder of a fresh Debian, and the README's two commands."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grounds.container import RELEASES, Container
from tests.grounds.registry import binds, settings
from tests.grounds.tree import PROJECT, SYSTEM, tree

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(1200)]

STEP_ZERO = ("git", "python3-venv")
"""What the README asks for before the two commands."""

SOME = ("tests/service/test_daemon.py tests/service/test_load.py tests/base/test_zone.py "
        "tests/scale/test_watch.py")
TESTS = "" if "BEEMON_LONG" in os.environ else SOME
"""Which tests, of all: that the two commands work is seen with a few, and some of them tell local
times: bare Debian 12 has no time zones."""


@pytest.fixture(scope="module", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def clone(release: str, origin: Path) -> Iterator[Container]:
    """A machine that is fresh but for step zero, with a user's clone of the project."""
    fresh = tree(release, (*SYSTEM, *STEP_ZERO))
    with Container(fresh, network=True, binds=[f"{origin}:/origin", *binds()]) as machine:
        machine.run("useradd", "--create-home", "--shell", "/bin/bash", "keeper")
        as_keeper(machine, "git clone --quiet /origin/beemon.bundle beemon")
        yield machine


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is in this working tree, as something that can be cloned."""
    folder = tmp_path_factory.mktemp("origin")
    folder.chmod(0o755)
    script = """
        mkdir "$1/beemon"
        git -c safe.directory='*' ls-files --cached --others --exclude-standard -z |
            xargs -0 --no-run-if-empty ls -d 2>/dev/null |
            tar --create --files-from=- | tar --extract --directory "$1/beemon"
        cd "$1/beemon"
        git init --quiet --initial-branch=main
        git add --all
        git -c user.name=test -c user.email=test@localhost commit --quiet --message=all
        git bundle create --quiet ../beemon.bundle main HEAD
    """
    subprocess.run(["bash", "-euc", script, "-", folder], cwd=PROJECT, check=True)
    return folder


def as_keeper(machine: Container, script: str) -> str:
    """What a script says that the normal user runs in their home."""
    user = ["runuser", "-u", "keeper", "--", "env", "HOME=/home/keeper", *settings()]
    return machine.run(*user, "bash", "-euc", f"cd ~; {script}", timeout=1100).stdout


def test_the_readme_names_step_zero_and_the_two_commands() -> None:
    readme = (PROJECT / "README.md").read_text()
    for words in (*STEP_ZERO, "scripts/demo", "scripts/test"):
        assert words in readme


@pytest.mark.parametrize("run", ["first", "second"])
def test_the_demo_shows_a_hive(clone: Container, run: str) -> None:
    said = as_keeper(clone, "cd beemon; scripts/demo")
    assert "Every command has its outcome" in said


def test_the_tests_pass_and_say_what_was_skipped(clone: Container) -> None:
    said = as_keeper(clone, f"cd beemon; scripts/test {TESTS}")
    assert "ground container: only root" in said
    last = said.splitlines()[-1]
    assert " passed" in last
    assert "failed" not in last
