"""The drivers against real servers: what they store, what they prove, what they do not trust."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.uplink.destinations.upload.machine import Source, Transfer
from beemon.uplink.destinations.upload.proof import Digests, digest, digest_blocks
from beemon.uplink.destinations.upload.rclone import Rclone
from beemon.uplink.destinations.upload.remote import PART, Remote, RemoteError
from tests.uplink.upload import servers
from tests.uplink.upload.servers import KINDS, PROOFS, FarEnd, Folder, Sftp, WebDav, running

pytestmark = pytest.mark.process

NAME = "hive/2026-06-01/hive@2026-06-01@12-00-00Z.microphone.brood.flac"
CONTENT = random.Random(1).randbytes(300_000)


@pytest.fixture(scope="module", params=KINDS)
def far_end(request, tmp_path_factory) -> Iterator[FarEnd]:
    """Each kind of far end in turn."""
    if reason := servers.missing(request.param):
        pytest.skip(reason)
    with running(request.param, tmp_path_factory.mktemp("far-end")) as found:
        found.kind = request.param
        yield found


@pytest.fixture
def driver(far_end, tmp_path, monkeypatch) -> Remote:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/hosts")  # with it, rclone would refuse S3
    driver = far_end.driver(tmp_path)
    driver.probe()
    return driver


@pytest.fixture
def file(tmp_path) -> Path:
    file = tmp_path / "recording"
    file.write_bytes(CONTENT)
    return file


def content_of(driver: Remote, name: str) -> Digests:
    with driver.reading(name) as read:
        return digest(read)


def test_a_file_is_stored_and_proved(far_end, driver, file):
    source = Source(file, NAME, digest_blocks([CONTENT]))
    assert driver.look(NAME) is None
    assert driver.list_files("hive/2026-06-01", with_hashes=True) == {}
    assert Transfer(driver, source, driver.probe()).run() == PROOFS[far_end.kind]
    assert content_of(driver, NAME) == source.digests
    listed = driver.list_files("hive", with_hashes=True)
    assert listed == {NAME: driver.look(NAME)}
    with contextlib.suppress(RemoteError):  # of S3, a missing file is an empty one
        assert content_of(driver, f"{NAME}.other").size == 0


def test_another_content_of_the_same_size_and_time_is_replaced(far_end, driver, file):
    if far_end.kind == "rsync-without-shell":
        pytest.skip("it differs from rsync with a shell by its proof alone")
    source = Source(file, NAME, digest_blocks([CONTENT]))
    other = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    file.write_bytes(other)
    os.utime(file, (1_780_000_000, 1_780_000_000))
    driver.send(file, NAME, len(other))
    file.write_bytes(CONTENT)
    os.utime(file, (1_780_000_000, 1_780_000_000))
    assert content_of(driver, NAME) == digest_blocks([other])
    assert Transfer(driver, source, driver.probe()).run() == PROOFS[far_end.kind]
    assert content_of(driver, NAME) == source.digests
    assert not [name for name in driver.list_files("hive", with_hashes=False) if PART in name]


def test_a_server_that_is_away_is_told_and_proves_nothing(tmp_path, file):
    far_end = WebDav(tmp_path / "far-end")
    driver = far_end.driver(tmp_path)
    for ask in (
        lambda: driver.look(NAME), lambda: driver.send(file, NAME, len(CONTENT)),
        lambda: driver.list_files("hive", with_hashes=True), lambda: content_of(driver, NAME),
    ):
        with pytest.raises(RemoteError, match="connection refused"):
            ask()


def test_an_unknown_server_is_not_trusted(tmp_path, file):
    with running("sftp", tmp_path / "far-end") as far_end:
        assert isinstance(far_end, Sftp)
        (tmp_path / "other").mkdir()
        other = servers.make_key(tmp_path / "other" / "host").with_suffix(".pub").read_text()
        driver = far_end.driver(tmp_path)
        (far_end.folder / "known_hosts").write_text(f"[127.0.0.1]:{far_end.port} {other}")
        with pytest.raises(RemoteError, match="key mismatch"):
            driver.send(file, NAME, len(CONTENT))
        assert not list((far_end.folder / "stored").iterdir())


def test_a_remote_that_trusts_every_server_is_refused(tmp_path):
    config = tmp_path / "rclone.conf"
    config.touch(0o600)
    config.write_text("[a]\ntype = crypt\nremote = b:hives\n[b]\ntype = sftp\nhost = nas\n")
    with pytest.raises(RemoteError, match="known_hosts_file"):
        Rclone("a:", tmp_path, config)
    with pytest.raises(RemoteError, match='no remote "c"; it has: a, b'):
        Rclone("c:", tmp_path, config)


def test_a_config_that_others_can_read_is_refused(tmp_path):
    far_end = Folder(tmp_path / "far-end")
    far_end.config_file().chmod(0o644)
    with pytest.raises(RemoteError, match=r"everybody can read .*sudo chmod 640"):
        far_end.driver(tmp_path)


def test_tokens_that_rclone_renews_are_kept_until_the_config_changes(tmp_path):
    config = Folder(tmp_path / "far-end").config_file()
    Rclone("hive:", tmp_path, config)
    copy = tmp_path / "rclone.conf"
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.write_text(f"{copy.read_text()}token = renewed\n")
    Rclone("hive:", tmp_path, config)
    assert "renewed" in copy.read_text()
    config.write_text("[hive]\ntype = local\n")
    Rclone("hive:", tmp_path, config)
    assert copy.read_text() == "[hive]\ntype = local\n"


def test_a_password_is_in_no_message(tmp_path):
    far_end = WebDav(tmp_path / "far-end")
    config = far_end.config_file()
    config.write_text(config.read_text().replace("http://", f"http://hive:{servers.PASSWORD}@"))
    with pytest.raises(RemoteError) as refused:
        Rclone("hive:", tmp_path, config).look(NAME)
    assert servers.PASSWORD not in str(refused.value)
    assert "127.0.0.1" in str(refused.value)
