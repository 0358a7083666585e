"""`beemon page share` and `unshare`, as typed, in front of the real page of a real service."""

from __future__ import annotations

import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hive import Hive, free_port
from tests.page.site import Site

pytestmark = pytest.mark.process

APART = ["unshare", "--map-root-user", "--mount", "sh", "-euc", """
    state=$1; shift
    mount --make-rprivate /
    mount --bind "$state" /mnt
    mount -t tmpfs none /var/lib
    mkdir /var/lib/beemon-web
    mount --bind /mnt /var/lib/beemon-web
    exec "$@"
""", "-"]
"""Runs a command that sees a folder of the test as the state of the packaged page."""
WEAK = ["setpriv", "--bounding-set=-all"]
"""Runs a command as somebody who may not write into the folders of others."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    tried = subprocess.run([*APART, tmp_path, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no folder can be shown in the place of another: {tried.stderr}")
    with Hive(tmp_path) as hive:
        port = free_port()
        hive.config.write_text(f'{hive.config.read_text()}\n[web]\naddress = "127.0.0.1:{port}"\n')
        site = Site(hive, port).start()
        yield site
        site.stop()


def page(site: Site, *words: str, through: list[str] | None = None) -> tuple[int, str]:
    """The exit status of `beemon page`, and what it says."""
    command = [*(through or []), sys.executable, "-m", "beemon", "page", *words]
    done = subprocess.run(
        [*APART, site.environment["STATE_DIRECTORY"], *command], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout


def status(site: Site, path: str, secret: str) -> int:
    """The HTTP status that the page answers a program with that shows a token."""
    request = urllib.request.Request(
        f"{site.address}api/{path}", headers={"Authorization": f"Bearer {secret}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def share(site: Site, name: str) -> str:
    """The token that the command makes and prints once."""
    code, said = page(site, "share", name)
    assert code == 0, said
    _, secret, end = said.splitlines()
    assert shlex.split(end.partition("To end it: sudo beemon page ")[2]) == ["unshare", name]
    return secret.strip()


def test_a_viewer_gets_in_by_the_token_of_the_command_until_it_is_ended(site: Site) -> None:
    assert page(site, "share") == (0, "The page is shared with nobody.\n")
    club, neighbour = share(site, "club"), share(site, "my neighbour")
    assert page(site, "share") == (0, "The page is shared with:\n  club\n  my neighbour\n")
    for secret in (club, neighbour):
        assert (status(site, "status", secret), status(site, "recordings", secret)) == (200, 403)
    assert page(site, "unshare", "my neighbour") == \
        (0, "The token of my neighbour is no longer valid.\n")
    assert (status(site, "status", neighbour), status(site, "status", club)) == (401, 200)
    assert page(site, "share") == (0, "The page is shared with:\n  club\n")


def test_the_command_says_why_it_ends_no_token_and_makes_none(site: Site) -> None:
    club = share(site, "club")
    state = Path(site.environment["STATE_DIRECTORY"])
    assert page(site, "unshare", "neighbour") == \
        (1, 'beemon: the page is not shared with "neighbour", but with: club\n')
    assert page(site, "unshare") == \
        (1, "beemon: whose token? The names are shown by: sudo beemon page share\n")
    state.chmod(0o500)
    for words in (["share", "neighbour"], ["unshare", "club"]):
        assert page(site, *words, through=WEAK) == \
            (1, f"beemon: only root may do this; type: sudo beemon page {words[0]}\n")
    state.chmod(0o700)
    assert page(site, "share") == (0, "The page is shared with:\n  club\n")
    assert status(site, "status", club) == 200
