"""Upload: the recordings of a hive to a place elsewhere, each with a proof that it is there.

A recording is uploaded only if the far end's hash of it is right, or if it was read back. Only then
is it reported to the ledger, and deleted first if the disk is full.
"""

from __future__ import annotations

from beemon.uplink.contract import Destination
from beemon.uplink.destinations.upload.settings import Settings
from beemon.uplink.hive import Hive

__all__ = ["Settings", "make"]


def make(settings: Settings, hive: Hive) -> Destination:
    """The destination of this table."""
    from beemon.uplink.destinations.upload.destination import Upload  # not for `config check`

    return Upload(settings, hive)
