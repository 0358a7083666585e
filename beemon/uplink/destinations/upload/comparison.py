"""Comparison: days that are compared with the far end, with one request to it in each step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from beemon.uplink.destinations.upload.facts import Facts
from beemon.uplink.destinations.upload.gaps import compare
from beemon.uplink.destinations.upload.manifest import Manifests, manifest_name
from beemon.uplink.destinations.upload.proof import Found, Judgement, digest, digest_blocks, judge
from beemon.uplink.destinations.upload.remote import Remote
from beemon.uplink.destinations.upload.sent import Entry, SentLog


class Comparison:
    """Compares the notes of days with the far end; ``lose`` takes each recording that it lost."""

    def __init__(
        self, sent: SentLog, manifests: Manifests, facts: Facts, lose: Callable[[Entry], None]
    ) -> None:
        self._sent = sent
        self._manifests = manifests
        self._facts = facts
        self._lose = lose
        self._folders: deque[str] = deque()
        self._unproved: deque[Entry] = deque()
        self._is_thorough = False

    def begin(self, folders: Iterable[str], *, is_thorough: bool) -> None:
        """Compare these folders from now on; ``is_thorough``: read back what has no hash."""
        self._folders = deque(folders)
        self._unproved.clear()
        self._is_thorough = is_thorough
        self._facts.begin_check()

    @property
    def is_under_way(self) -> bool:
        """Whether a step is left."""
        return bool(self._folders or self._unproved)

    def step(self, remote: Remote) -> None:
        """Read a file back, or compare a folder.

        Raises :class:`~beemon.uplink.destinations.upload.remote.RemoteError` and ``OSError``.
        """
        if self._unproved:
            self._read_back(remote, self._unproved[0])
        else:
            self._compare(remote, self._folders[0])

    def _compare(self, remote: Remote, folder: str) -> None:
        found = remote.list_files(folder, with_hashes=True)
        gaps = compare(folder, self._sent.of_folder(folder), found)
        for entry in (*gaps.missing, *gaps.damaged):
            self._lose(entry)
        if self._is_thorough:
            self._unproved.extend(gaps.unproved)
        self._check_manifest(folder, found.get(manifest_name(folder)))
        self._folders.popleft()
        self._facts.compared(gaps)

    def _check_manifest(self, folder: str, found: Found | None) -> None:
        expected = digest_blocks([self._manifests.content(folder)])
        judgement = judge(found, expected) if found else Judgement.OTHER
        is_doubtful = self._is_thorough and judgement is Judgement.UNKNOWN
        if is_doubtful or judgement is Judgement.OTHER:
            self._manifests.outdated.add(folder)

    def _read_back(self, remote: Remote, entry: Entry) -> None:
        """Compare the content of a file of which the far end offers no hash."""
        with remote.reading(entry.name) as file:
            found = digest(file)
        self._unproved.popleft()
        if found.sha256 != entry.digests.sha256:
            self._lose(entry)
            self._facts.damaged()
