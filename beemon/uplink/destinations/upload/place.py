"""Place: the remote folder of a hive, which no other archive writes to.

Two hives of one name, or a new card in the place of a broken one, would give different recordings
the same remote name. Therefore each archive leaves a file with its UUID in the folder. An archive
that finds the file of another one there uses a folder of its own instead.
"""

from __future__ import annotations

import json
from pathlib import Path

from beemon.uplink.destinations.upload.machine import Proof, Source, Transfer
from beemon.uplink.destinations.upload.proof import Digests, digest_blocks
from beemon.uplink.destinations.upload.remote import PART, Powers, Remote

_CLAIMS = "archives"


class Place:
    """Finds the folder of ``archive`` for a hive; ``draft`` is a temporary file."""

    def __init__(self, remote: Remote, powers: Powers, archive: str, draft: Path) -> None:
        self._remote = remote
        self._powers = powers
        self._archive = archive
        self._draft = draft

    def find(self, hive: str) -> tuple[str, Proof]:
        """The folder for a hive's recordings, and the proof that the far end can give of them.

        Raises :class:`~beemon.uplink.destinations.upload.remote.RemoteError` and ``OSError``.
        """
        if not self._others(hive):
            proof = self._claim(hive)
            if not self._others(hive):  # both see the other's file if two come at once
                return hive, proof
        own = f"{hive}-{self._archive[:8]}"
        return own, self._claim(own)

    def is_own(self, folder: str) -> bool:
        """Whether no other archive uses a folder."""
        return not self._others(folder)

    def _others(self, folder: str) -> list[str]:
        found = self._remote.list_files(f"{folder}/{_CLAIMS}", with_hashes=False)
        names = {name.rpartition("/")[2].removesuffix(PART) for name in found}
        return sorted(names - {self._file})

    @property
    def _file(self) -> str:
        return f"{self._archive}.json"

    def _claim(self, folder: str) -> Proof:
        content = json.dumps({"archive": self._archive, "hive": folder}).encode() + b"\n"
        name = f"{folder}/{_CLAIMS}/{self._file}"
        return send_content(self._remote, self._powers, name, content, self._draft)


def send_content(
    remote: Remote, powers: Powers, name: str, content: bytes, draft: Path
) -> Proof:
    """Store a small content under a remote name, and prove it."""
    digests: Digests = digest_blocks([content])
    draft.write_bytes(content)
    return Transfer(remote, Source(draft, name, digests), powers).run()
