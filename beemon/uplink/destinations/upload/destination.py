"""Destination: the upload of recordings, as the uplink's frame calls it.

The ledger itself is the queue: a record that the frame brings only says that there may be work.
"""

from __future__ import annotations

import os
from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.recording import Recording
from beemon.uplink import kept
from beemon.uplink.contract import Batch, JobRecord, Newest, NotDeliveredError, Record
from beemon.uplink.destinations.upload.rclone import Rclone
from beemon.uplink.destinations.upload.remote import RemoteError
from beemon.uplink.destinations.upload.rsync import Login, Rsync
from beemon.uplink.destinations.upload.settings import Settings
from beemon.uplink.destinations.upload.uploader import Rules, Uploader
from beemon.uplink.hive import Hive, RefusedError

FACTS = "upload.json"
"""The file in the runtime folder that `beemon upload status` shows."""
_FACTS_MODE = 0o640
NOW, VERIFY = "upload-now", "upload-verify"
"""Files in the folder of requests, made by `beemon upload`."""


class Upload:
    """Uploads the recordings of one hive."""

    place = None

    def __init__(self, settings: Settings, hive: Hive) -> None:
        self._settings = settings
        self._hive = hive
        self._uploader: Uploader | None = None
        self._uuid: str | None = None
        self._has_failed = False
        self._told: object = None

    def wants(self, record: Record) -> bool:
        """Whether there may be something to upload: a recording, or one whose mark was taken."""
        return isinstance(record, JobRecord) and (
            record.recording is not None or record.job.forgotten is not None
        )

    def deliver(self, batch: Batch) -> int:
        """Take note that the ledger has changed."""
        return len(batch.records)

    def show_newest(self, newest: Newest) -> None:
        """The present state is not uploaded."""

    def look(self, now: Moment) -> float | None:
        """Do one step of work; return the seconds until the next."""
        try:
            return self._look(now)
        except RemoteError as error:
            self._has_failed = True
            raise NotDeliveredError(str(error)) from error
        except RefusedError as error:
            raise NotDeliveredError(f"the service refused: {error}") from error
        finally:
            self._tell()

    def close(self) -> None:
        """Let go of the recording that was to be uploaded."""
        if self._uploader is not None:
            self._uploader.close()

    def _look(self, now: Moment) -> float:
        uuid = self._hive.uuid()
        if self._uploader is None or uuid != self._uuid:
            self._uploader = self._make_uploader(uuid)
            self._uuid = uuid
        elif self._has_failed:
            self._uploader.use(self._make_driver())
        self._has_failed = False
        self._take_requests(self._uploader)
        return self._uploader.step(now)

    def _take_requests(self, uploader: Uploader) -> None:
        if self._hive.take_request(NOW):
            uploader.wake()
        if self._hive.take_request(VERIFY):
            uploader.check_all()

    def _make_uploader(self, uuid: str) -> Uploader:
        self.close()
        driver = self._make_driver()
        folder = self._hive.state_folder / driver.identity
        folder.mkdir(mode=0o700, exist_ok=True)
        return Uploader(
            driver, _Book(self._hive), self._hive.archive_folder, uuid, self._hive.name, folder,
            self._hive.meter, Rules(self._settings.read_back, self._settings.check_days),
        )

    def _make_driver(self) -> Rclone | Rsync:
        settings, folder = self._settings, self._hive.state_folder
        if settings.driver == "rsync":
            assert settings.known_hosts is not None
            login = Login(settings.known_hosts, settings.key_file, settings.port)
            return Rsync(settings.remote, folder, login, settings.rate)
        if settings.remote.startswith("/"):
            _check_disk(Path(settings.remote), self._hive.archive_folder)
        return Rclone(settings.remote, folder, settings.config_file, settings.rate)

    def _tell(self) -> None:
        """Show the state of the work to `beemon upload status`, if it has changed."""
        if self._uploader is None:
            return
        told = dict(self._uploader.facts.told)
        if told != self._told:
            self._hive.tell_trouble(self._uploader.facts.trouble)
            file = self._hive.runtime_folder / FACTS
            kept.write(file, told, mode=_FACTS_MODE, durably=False)
            self._told = told


class _Book:
    """The ledger of a hive, for an upload."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    def not_uploaded(self, after: int, most: int) -> list[Recording]:
        return self._hive.reader.not_uploaded(after, most)

    def uploaded(self, after: int, most: int) -> list[Recording]:
        return self._hive.reader.uploaded(after, most)

    def report(self, recording: int, sha256: str, proof: str) -> None:
        self._hive.send_command(f"uploaded {recording} {sha256} {proof}")
        self._hive.note_delivery()

    def forget(self, recording: int) -> None:
        self._hive.send_command(f"forgotten {recording}")


def _check_disk(folder: Path, archive: Path) -> None:
    """Raises :class:`RemoteError` if the folder is not there, or on the disk of the archive."""
    try:
        disk = folder.stat().st_dev
    except OSError as error:
        raise RemoteError(
            f"{folder} cannot be read: {error.strerror}; mount the other disk first"
        ) from error
    if not os.access(folder, os.W_OK):
        raise RemoteError(
            f"the uplink may not write to {folder}; allow it: sudo systemctl edit beemon-uplink; "
            f"add the lines [Service] and ReadWritePaths={folder}"
        )
    if disk == archive.stat().st_dev:
        raise RemoteError(
            f"{folder} is on the disk of the archive, so nothing there is safe; is the other disk "
            f"mounted? see: findmnt --target {folder}"
        )
