"""The version of a build: what apt takes for newer is newer."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from beemon import __version__

PROJECT = Path(__file__).parents[1]
SCRIPTS = ("scripts/build-deb", "scripts/environment", "debian/changelog")


class Clone:
    """A project of its own, with commits at given times."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in SCRIPTS:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
        self.git("init", "--quiet")
        self.commit("2026-11-27T14:00:00Z")

    def git(self, *words: str, **environment: str) -> None:
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), "git"]
        command += ["-c", "user.name=test", "-c", "user.email=test@localhost", *words]
        subprocess.run(command, cwd=self.folder, check=True)

    def commit(self, when: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={when}", GIT_COMMITTER_DATE=when)

    @property
    def version(self) -> str:
        command = [self.folder / "scripts/build-deb", "--version"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


@pytest.mark.process
def test_a_build_is_named_by_its_commit_and_is_the_same_each_time(clone):
    assert re.fullmatch(r"0\.2\.0~git20261127\.140000\.[0-9a-f]{7}", clone.version)
    assert clone.version == clone.version


@pytest.mark.process
@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg says what is later")
def test_each_build_is_later_than_the_one_before(clone):
    versions = ["0.1.0", clone.version]
    (clone.folder / "more").touch()
    versions.append(clone.version)
    clone.commit("2026-11-27T14:00:01Z")
    versions.append(clone.version)
    clone.git("tag", "v0.2.0")
    versions += [clone.version, "0.2.1~git20200101.000000.0000000"]
    for earlier, later in pairwise(versions):
        subprocess.run(["dpkg", "--compare-versions", earlier, "lt", later], check=True)
    assert versions[-2] == "0.2.0"


def test_the_page_of_the_releases_is_the_same_in_the_readme_and_in_the_package():
    homepage = re.search(r"^Homepage: (.*)$", (PROJECT / "debian/control").read_text(), re.M)
    assert homepage is not None
    assert f"<{homepage[1]}>" in (PROJECT / "README.md").read_text()


def test_a_checkout_is_on_its_way_to_the_release_that_the_changelog_names():
    release = (PROJECT / "debian/changelog").read_text().partition("(")[2].partition(")")[0]
    assert __version__ == f"{release}.dev0"
