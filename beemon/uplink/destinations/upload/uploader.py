"""Uploader: the work of an upload, in steps of one request to the far end each.

Only what was proved is reported to the ledger, and retention deletes only what is reported.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from beemon.base.clock import Moment
from beemon.base.recording import Recording
from beemon.base.values import value_class
from beemon.uplink.destinations.upload.comparison import Comparison
from beemon.uplink.destinations.upload.facts import Facts
from beemon.uplink.destinations.upload.machine import Proof, Source, State, Transfer
from beemon.uplink.destinations.upload.manifest import Manifests, manifest_name, read_manifest
from beemon.uplink.destinations.upload.place import Place, send_content
from beemon.uplink.destinations.upload.queue import (
    Book,
    NotSentError,
    Queue,
    held_file,
    remote_name,
)
from beemon.uplink.destinations.upload.remote import PART, Powers, Remote, RemoteError
from beemon.uplink.destinations.upload.sent import LOST, Entry, SentLog, folder_of

IDLE_SECONDS = 600.0
"""The time between two looks if nothing waits."""
METERED_SECONDS = 300.0
"""The time until the next look if the budget of the day is spent."""
PROBE_SECONDS = 86400.0
"""The age at which what the far end can do is asked again."""
ASIDE_SECONDS = 900.0
"""The time for the ledger to have a mark that was reported, or taken back."""
_PAGE = 50


class Meter(Protocol):
    """The bytes that may be sent."""

    def may_send(self, size: int) -> bool:
        """Whether this number of bytes may be sent now."""

    def count(self, size: int) -> None:
        """Count bytes that were sent."""


@value_class
class Rules:
    """``reads_back``: a download is the proof if there is no hash. ``check_days``: the number of
    latest days that are compared with the far end once a day."""

    reads_back: bool = True
    check_days: int = 7


class Uploader:
    """One destination's work. ``archive`` is the folder of the archive, ``uuid`` its UUID."""

    def __init__(
        self, remote: Remote, book: Book, archive: Path, uuid: str, hive: str, folder: Path,
        meter: Meter, rules: Rules,
    ) -> None:
        self.facts = Facts(folder)
        self._remote = remote
        self._book = book
        self._archive = archive
        self._uuid = uuid
        self._hive = hive
        self._folder = folder
        self._meter = meter
        self._rules = rules
        self._sent = SentLog(folder / "sent")
        self._queue = Queue(book)
        self._powers: Powers | None = None
        self._probed = 0.0
        self._places: dict[str, str] = {}
        self._current: _Current | None = None
        self._reports: deque[Entry] = deque()
        self._manifests = Manifests(folder / "manifests.json", uuid, self._sent)
        self._comparison = Comparison(self._sent, self._manifests, self.facts, self._lose)
        self._reconciled: int | None = 0
        self._reconciles_at = math.inf
        self._now = 0.0
        self._listed: tuple[str, set[str]] = ("", set())

    def step(self, now: Moment) -> float:
        """Do one step of work; return the seconds until the next one is due.

        Raises :class:`RemoteError` if the far end fails, and ``OSError`` if this machine does.
        """
        self._now = now.monotonic
        try:
            return self._step(now)
        except (RemoteError, OSError):
            self._let_go()
            self._listed = ("", set())
            raise

    def check_all(self) -> None:
        """Compare all days with the far end, from the next step on; read back what has no hash."""
        self._comparison.begin(self._sent.folders(), is_thorough=True)

    def wake(self) -> None:
        """Look at all recordings again."""
        self._queue.take_back_all()

    def use(self, remote: Remote) -> None:
        """Ask a new driver from now on, and find out first what the far end can do."""
        self._remote = remote
        self._powers = None

    def close(self) -> None:
        """Let go of the recording that was to be uploaded."""
        self._let_go()

    def _step(self, now: Moment) -> float:
        if self._reports:
            return self._report(now)
        if self._powers is None or now.monotonic - self._probed > PROBE_SECONDS:
            return self._probe(now)
        if self._current is not None:
            return self._advance(self._current)
        if now.monotonic >= self._reconciles_at:
            self._reconciled, self._reconciles_at = 0, math.inf
        if self._reconciled is not None:
            return self._reconcile(self._reconciled)
        waiting = self._queue.first(now)
        day = remote_name(waiting)[1].partition("/")[0] if waiting else None
        if due := self._manifests.due(day, now):
            return self._send_manifest(due, now)
        if waiting is not None:
            return self._begin(waiting, now)
        return self._check(now)

    def _probe(self, now: Moment) -> float:
        self._powers = None
        powers = self._remote.probe()
        self._places.clear()
        self._powers = powers
        self._probed = now.monotonic
        self._place(self._hive)
        self._manifests.look_for_outdated(self._latest_folders())
        self._queue.take_back_all()
        self.facts.probed(powers, now)
        return 0.0

    def _place(self, hive: str) -> str:
        """The remote folder of a hive's recordings."""
        assert self._powers is not None
        if hive not in self._places:
            place = Place(self._remote, self._powers, self._uuid, self._folder / "draft.json")
            self._places[hive], proof = place.find(hive)
            self.facts.placed(self._places[hive], proof)
        return self._places[hive]

    def _reconcile(self, after: int) -> float:
        """Take the mark from each recording that has no note, or is noted as lost.

        The queue then finds it, and the far end is asked for it; nothing is sent again that is
        there. This is done at each start, and again after a mark was taken back. The service
        accepts that at once, and may be killed before it carries it out.
        """
        page = self._book.uploaded(after, _PAGE)
        for recording in page:
            name = self._name(recording)
            self._adopt(folder_of(name))
            known = self._sent.find(name)
            if known is None or known.proof == LOST:
                self._forget(recording.recording)
        self._reconciled = page[-1].recording if page else None
        return 0.0

    def _forget(self, recording: int) -> None:
        self._book.forget(recording)
        self._reconciles_at = self._now + ASIDE_SECONDS

    def _name(self, recording: Recording) -> str:
        """The remote name of a recording."""
        hive, rest = remote_name(recording)
        return f"{self._place(hive or self._hive)}/{rest}"

    def _begin(self, recording: Recording, now: Moment) -> float:
        """Check the file of a recording, and begin its transfer."""
        assert self._powers is not None
        name = self._name(recording)
        self._adopt(folder_of(name))
        known = self._sent.find(name)
        if known is not None and known.proof == Proof.SIZE and not self._rules.reads_back:
            self._queue.pass_over(recording.recording, now.monotonic + PROBE_SECONDS)
            return 0.0
        with ExitStack() as stack:
            try:
                digests = stack.enter_context(held_file(self._archive, recording))
            except NotSentError as error:
                self.facts.not_sent(recording.recording, str(error))
                self._queue.pass_over(recording.recording, now.monotonic + PROBE_SECONDS)
                return 0.0
            source = Source(self._archive / recording.path, name, digests)
            transfer = Transfer(
                self._remote, source, self._powers, reads_back=self._rules.reads_back,
                may_replace=self._may_replace, is_new=self._is_new(name),
            )
            entry = Entry(
                name=name, recording=recording.recording, path=recording.path,
                job=recording.facts.job or 0, device=recording.device,
                verdict=recording.facts.verdict or "good", size=digests.size,
                hashes=digests.hashes, proof="",
            )
            self._current = _Current(transfer, entry, stack.pop_all())
        self.facts.sending(entry)
        return 0.0

    def _is_new(self, name: str) -> bool:
        """Whether nothing at the far end has this name: its folder is listed once, not each time.
        """
        folder = folder_of(name)
        if self._listed[0] != folder:
            self._listed = (folder, set(self._remote.list_files(folder, with_hashes=False)))
        is_new = not {name, name + PART} & self._listed[1]
        self._listed[1].add(name)
        return is_new

    def _adopt(self, folder: str) -> None:
        """Take the notes of a day from its manifest, if they were lost here."""
        if self._sent.has(folder) or self._remote.look(manifest_name(folder)) is None:
            return
        with self._remote.reading(manifest_name(folder)) as file:
            content = file.read()
        for entry in read_manifest(self._uuid, folder, content):
            self._sent.add(entry)

    def _may_replace(self, name: str) -> bool:
        """Whether a file that is not the recording is one of this archive's."""
        assert self._powers is not None
        place = Place(self._remote, self._powers, self._uuid, self._folder / "draft.json")
        return place.is_own(folder_of(folder_of(name)))

    def _advance(self, current: _Current) -> float:
        transfer = current.transfer
        if transfer.state is State.SENDING:
            if not self._may_send(current.entry.size):
                return METERED_SECONDS
            self._meter.count(current.entry.size)
        transfer.advance()
        if transfer.proof is None:
            return 0.0
        if transfer.proof is Proof.READ_BACK:
            self._meter.count(current.entry.size)
        entry = replace(current.entry, proof=str(transfer.proof))
        self._let_go()
        self._sent.add(entry)
        self._manifests.outdated.add(folder_of(entry.name))
        self.facts.proved(entry)
        if entry.is_proved:
            self._reports.append(entry)
        return 0.0

    def _may_send(self, size: int) -> bool:
        may = self._meter.may_send(size)
        self.facts.told["waits_for_link"] = not may
        return may

    def _report(self, now: Moment) -> float:
        entry = self._reports[0]
        self._book.report(entry.recording, entry.digests.sha256, entry.proof)
        self._reports.popleft()
        self._queue.pass_over(entry.recording, now.monotonic + ASIDE_SECONDS)
        return 0.0

    def _let_go(self) -> None:
        if self._current is not None:
            self._current.hold.close()
        self._current = None

    def _send_manifest(self, folder: str, now: Moment) -> float:
        assert self._powers is not None
        content = self._manifests.content(folder)
        if not self._may_send(len(content)):
            return METERED_SECONDS
        self._meter.count(len(content))
        draft = self._folder / "draft.json"
        send_content(self._remote, self._powers, manifest_name(folder), content, draft)
        self._manifests.sent(folder, content, now)
        return 0.0

    def _check(self, now: Moment) -> float:
        """Compare one day with the far end, once a day; otherwise wait."""
        if self._comparison.is_under_way:
            self._comparison.step(self._remote)
            return 0.0
        if self.facts.is_checking:
            self.facts.end_check(now)
        if not self.facts.is_check_due(now):
            return min(IDLE_SECONDS, self._manifests.seconds_until_due(now))
        self._comparison.begin(self._latest_folders(), is_thorough=False)
        return 0.0

    def _lose(self, entry: Entry) -> None:
        """Have what the far end lost uploaded again, or say that it is lost."""
        if entry.is_proved:
            self._forget(entry.recording)
        self._sent.add(replace(entry, proof=LOST))
        self._manifests.outdated.add(folder_of(entry.name))
        self._queue.take_back(entry.recording)
        self.facts.lost(entry, is_here=(self._archive / entry.path).is_file())

    def _latest_folders(self) -> list[str]:
        return self._sent.folders()[-self._rules.check_days:]


@value_class
class _Current:
    """The upload under way; ``hold`` keeps its file from being deleted."""

    transfer: Transfer
    entry: Entry
    hold: ExitStack
