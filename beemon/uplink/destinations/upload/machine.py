"""Machine: one recording on its way to the far end, up to its proof.

The far end is asked again at the start of each attempt. Nothing that a process noted before it was
killed is believed, so an upload can be cut at any moment.

A file is replaced only if it is not the recording. Its final name is given at the end, where the
far end can rename a file; the others store a file at once or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from beemon.base.values import value_class
from beemon.uplink.destinations.upload.proof import Digests, Found, Judgement, digest, judge
from beemon.uplink.destinations.upload.remote import PART, Powers, Remote, RemoteError

MOST_REPLACEMENTS = 2
"""Maximum number of times that one attempt replaces a file that is not the recording."""


class State(StrEnum):
    """The progress of a recording.

    ``SENT``: complete under its temporary name. ``MOVED``: it has its final name, and may still be
    torn.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    MOVED = "moved"
    PROVED = "proved"


class Proof(StrEnum):
    """The evidence that the far end holds a recording; ``SIZE`` alone is no proof."""

    HASH = "hash"
    READ_BACK = "read-back"
    SIZE = "size"


@value_class
class Source:
    """A file to upload: its path, its name at the far end, and its content."""

    file: Path
    name: str
    digests: Digests


def first_state(source: Source, final: Found | None, part: Found | None) -> State:
    """The progress of an upload, by the files at the far end."""
    if final is not None:
        is_other = judge(final, source.digests) is Judgement.OTHER
        return State.SENDING if is_other else State.MOVED
    if part is not None and judge(part, source.digests) is not Judgement.OTHER:
        return State.SENT
    return State.SENDING


class Transfer:
    """Carries one file to its proof; each :meth:`advance` asks the far end for one thing.

    ``reads_back``: a file of which the far end offers no hash is read back; otherwise its proof is
    only ``SIZE``. ``may_replace`` is asked before another content under this name is replaced.
    ``is_new``: a list of the remote folder has just shown that nothing has this name.
    """

    def __init__(
        self, remote: Remote, source: Source, powers: Powers, *, reads_back: bool = True,
        may_replace: Callable[[str], bool] = lambda _: True, is_new: bool = False,
    ) -> None:
        self.state = State.SENDING if is_new else State.WAITING
        self.proof: Proof | None = None
        self._may_replace = may_replace
        self._remote = remote
        self._source = source
        self._can_move = powers.can_move
        self._reads_back = reads_back
        self._replacements = 0

    def advance(self) -> State:
        """Take one step; return the new state. Raises :class:`RemoteError`."""
        steps = {
            State.WAITING: self._look, State.SENDING: self._send, State.SENT: self._move,
            State.MOVED: self._prove,
        }
        self.state = steps[self.state]()
        return self.state

    def run(self) -> Proof:
        """Take all steps; return the proof. Raises :class:`RemoteError`."""
        while self.proof is None:
            self.advance()
        return self.proof

    @property
    def _part(self) -> str:
        return self._source.name + PART

    def _look(self) -> State:
        final = self._remote.look(self._source.name)
        asks_part = final is None and self._can_move
        part = self._remote.look(self._part) if asks_part else None
        state = first_state(self._source, final, part)
        if final is not None and state is State.SENDING:
            self._check_owner()
        return state

    def _check_owner(self) -> None:
        if not self._may_replace(self._source.name):
            raise RemoteError(
                f"another archive uses this remote folder, and has another file {self._source.name}"
                "; set another folder in `remote` of [upload]"
            )

    def _send(self) -> State:
        goal = self._part if self._can_move else self._source.name
        try:
            self._remote.send(self._source.file, goal, self._source.digests.size)
        except RemoteError:
            # An upload in parts may be reported as failed although the file is there, and complete.
            found = self._remote.look(goal)
            if found is None or judge(found, self._source.digests) is not Judgement.SAME:
                raise
        return State.SENT if self._can_move else State.MOVED

    def _move(self) -> State:
        self._remote.move(self._part, self._source.name)
        return State.MOVED

    def _prove(self) -> State:
        found = self._remote.look(self._source.name)
        if found is None:
            return self._replace("does not have the file that it has just stored")
        judgement = judge(found, self._source.digests)
        if judgement is Judgement.OTHER:
            return self._replace("stores another content than it was sent")
        return self._end(Proof.HASH) if judgement is Judgement.SAME else self._prove_without_hash()

    def _prove_without_hash(self) -> State:
        if not self._reads_back:
            return self._end(Proof.SIZE)
        with self._remote.reading(self._source.name) as file:
            found = digest(file)
        if (found.size, found.sha256) == (self._source.digests.size, self._source.digests.sha256):
            return self._end(Proof.READ_BACK)
        return self._replace("returns another content than it was sent")

    def _end(self, proof: Proof) -> State:
        self.proof = proof
        return State.PROVED

    def _replace(self, trouble: str) -> State:
        if self._replacements >= MOST_REPLACEMENTS:
            raise RemoteError(
                f"the remote storage {trouble}: {self._source.name}, sent "
                f"{self._replacements} times; check that storage, and its free space"
            )
        self._check_owner()
        self._replacements += 1
        return State.SENDING
