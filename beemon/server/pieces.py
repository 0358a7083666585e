"""Pieces: a recording's file for clients, a bounded piece in each reply."""

from __future__ import annotations

import base64
import os
from pathlib import Path, PurePosixPath

from beemon.base.beneath import open_beneath
from beemon.ledger.reader import ArchiveReader
from beemon.ledger.recordings import KeptFile
from beemon.protocol.lines import RequestError
from beemon.protocol.replies import JobFacts, Piece

MOST_BYTES = 48 << 10
"""Maximum length of a piece, in bytes of the file."""


def cut_piece(reader: ArchiveReader, archive: Path, job: int, offset: int) -> Piece:
    """The piece of a job's recording that begins at the byte ``offset``.

    Raises :class:`RequestError`.
    """
    found = _find(reader, job)
    if offset > found.size:
        raise RequestError(
            "bad-argument",
            f"the recording of job {job} has {found.size} bytes; OFFSET {offset} is behind them",
        )
    data = _read(archive, found, offset)
    return Piece(
        job, found.path, found.size, found.sha256, offset, base64.b64encode(data).decode("ascii")
    )


def _find(reader: ArchiveReader, job: int) -> KeptFile:
    found = reader.kept_file(job)
    if found is None:
        raise _why_missing(reader.job(job), job)
    if found.is_deleted:
        raise RequestError(
            "no-recording",
            f"{found.path} of job {job} was deleted, as space was needed for new recordings",
        )
    return found


def _why_missing(facts: JobFacts | None, job: int) -> RequestError:
    if facts is None:
        return RequestError("unknown-job", f"the database holds no job {job}")
    if facts.damaged:
        return RequestError("unreadable", f"the row of job {job} is damaged: {facts.damaged}")
    if facts.recording is not None:
        return RequestError("unreadable", f"the row of {facts.recording} is damaged or missing")
    if facts.outcome is None:
        return RequestError("no-recording", f"job {job} has not ended yet")
    why = f" ({facts.reason})" if facts.reason else ""
    return RequestError("no-recording", f"job {job} is {facts.outcome}{why}, without a recording")


def _read(archive: Path, found: KeptFile, offset: int) -> bytes:
    try:
        file = open_beneath(archive, PurePosixPath(found.path))
        try:
            size = os.fstat(file).st_size
            data = os.pread(file, min(MOST_BYTES, found.size - offset), offset)
        finally:
            os.close(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RequestError("unreadable", f"{found.path} cannot be read: {why}") from error
    if size != found.size or (not data and offset < size):
        raise RequestError(
            "unreadable", f"{found.path} has {size} bytes, but {found.size} by the database"
        )
    return data
