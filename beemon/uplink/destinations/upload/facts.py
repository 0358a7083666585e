"""Facts: the state of an upload, as people see it."""

from __future__ import annotations

from pathlib import Path

from beemon.base.clock import Moment
from beemon.base.facts import Json
from beemon.base.moments import US_PER_DAY, iso
from beemon.uplink import kept
from beemon.uplink.destinations.upload.gaps import Gaps
from beemon.uplink.destinations.upload.machine import Proof
from beemon.uplink.destinations.upload.remote import Powers
from beemon.uplink.destinations.upload.sent import Entry

LOST_US = 7 * US_PER_DAY
"""The time for which a loss is a problem; the name of the recording stays in the list."""


class Facts:
    """The facts that `beemon upload status` shows; the lasting ones are kept in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "facts.json"
        self.told: dict[str, Json] = dict(kept.read(self._file))
        self._not_sent: dict[int, str] = {}
        self.told["is_checking"] = False

    @property
    def trouble(self) -> str | None:
        """The problem that a person should look at; None if all is well."""
        if self._not_sent:
            return next(iter(self._not_sent.values()))
        lost = self.told.get("lost")
        if isinstance(lost, list) and lost and self.told.get("lost_lately"):
            return (f"{len(lost)} recordings are neither here nor at the remote storage any more; "
                    "to see them: beemon upload status")
        if self.told.get("proof") == Proof.SIZE:
            return ("the remote storage offers no hash, and read_back is off: no upload is proved, "
                    "so that nothing is deleted first")
        return None

    def probed(self, powers: Powers, now: Moment) -> None:
        """The far end has these abilities. All recordings are tried again."""
        self._not_sent.clear()
        self._put(
            not_sent=[], can_move=powers.can_move, hashes=list(powers.hashes),
            probed=iso(now.utc_us),
        )

    def placed(self, folder: str, proof: Proof) -> None:
        """The far end has this folder, and gave this proof of a small file."""
        self._put(folder=folder, proof=str(proof))

    def not_sent(self, recording: int, reason: str) -> None:
        """A recording cannot be uploaded."""
        self._not_sent[recording] = reason
        self._put(not_sent=list(self._not_sent.values())[:20])

    def sending(self, entry: Entry) -> None:
        """A recording is on its way."""
        self.told["sending"] = entry.name
        self._not_sent.pop(entry.recording, None)

    def proved(self, entry: Entry) -> None:
        """A recording is at the far end."""
        self._put(sending=None, latest=entry.name, latest_proof=entry.proof)

    @property
    def is_checking(self) -> bool:
        """Whether a comparison with the far end is under way."""
        return bool(self.told.get("is_checking"))

    def begin_check(self) -> None:
        """A comparison with the far end begins."""
        self.told.update(
            is_checking=True, compared=0, missing=0, damaged=0, only_size=0, unknown=[]
        )

    def compared(self, gaps: Gaps) -> None:
        """A day was compared."""
        self._add("compared", gaps.checked)
        self._add("missing", len(gaps.missing))
        self._add("damaged", len(gaps.damaged))
        self._add("only_size", len(gaps.unproved))
        unknown = self.told.get("unknown")
        self._put(unknown=[*(unknown if isinstance(unknown, list) else []), *gaps.unknown][:100])

    def damaged(self) -> None:
        """A file that was read back is another one."""
        self._add("damaged", 1)

    def end_check(self, now: Moment) -> None:
        """All days were compared."""
        lost_us = self.told.get("lost_us")
        if self.told.get("lost_lately") and lost_us is None:
            self.told["lost_us"] = lost_us = now.utc_us
        is_lately = isinstance(lost_us, int) and 0 <= now.utc_us - lost_us < LOST_US
        self._put(
            lost_lately=is_lately, is_checking=False, checked=iso(now.utc_us),
            checked_us=now.utc_us,
        )
        kept.write(self._file, self.told)

    def _add(self, name: str, number: int) -> None:
        before = self.told.get(name)
        self.told[name] = (before if isinstance(before, int) else 0) + number

    def is_check_due(self, now: Moment) -> bool:
        """Whether the latest comparison is a day old, or of the future by a wrong clock."""
        at = self.told.get("checked_us")
        return not isinstance(at, int) or not 0 <= now.utc_us - at < US_PER_DAY

    def lost(self, entry: Entry, *, is_here: bool) -> None:
        """The far end lost a recording; ``is_here``: it can be uploaded again."""
        if is_here:
            return
        lost = self.told.get("lost")
        self._put(lost_lately=True, lost_us=None)
        self._put(lost=[*(lost if isinstance(lost, list) else []), entry.name][-100:])
        kept.write(self._file, self.told)

    def _put(self, **facts: Json) -> None:
        self.told.update(facts)
