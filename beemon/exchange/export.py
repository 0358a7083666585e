"""Export: a period of the archive in a form that other programs read, with a manifest.

The form is that of a layout (:mod:`beemon.exchange.layout`). Everything is read-only, and beside a
running service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from beemon import __version__
from beemon.base import clock, moments
from beemon.base.explanation import meanings
from beemon.base.facts import JsonObject
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.exchange.layout import Layout, Selection
from beemon.exchange.tables import View, calibrations, runs, units
from beemon.ledger.rows import one_moment
from beemon.storage import files, staging

MANIFEST = "manifest.json"

_CLOCK_QUALITIES: dict[str, str] = {
    clock.Quality.SYNCHRONISED: "synchronised with the network",
    clock.Quality.TOLD: "right, as confirmed by an operator",
    clock.Quality.RTC: "taken from the battery clock at start",
    clock.Quality.UNSURE: "none of these: the time may be wrong",
    clock.Quality.REDATED: "the clock was unsure; the time was corrected later in the same boot",
    clock.Quality.IMPORTED: "record of another system, whose clock may have been wrong",
}


def export(layout: Layout, selection: Selection, output: Path) -> JsonObject:
    """Write a selection into the new folder ``output``; return the manifest.

    Raises what the layout raises; then there is no such folder.
    """
    view = selection.view
    db = view.ledger.db
    with staging.folder(output) as folder, view.progress.stopping(db.interrupt), one_moment(db):
        content = layout.write(selection, folder)
        view.progress.tell("hashing the files")
        manifest = {
            **asdict(selection.about), **_manifest_of(view, layout), **content.facts,
            "files": _files_of(folder, content.rows),
        }
        _write_manifest(folder, manifest)
    return manifest


def _manifest_of(view: View, layout: Layout) -> JsonObject:
    """The part of a manifest that is the same in all layouts."""
    made = clock.stamp()
    return {
        "format": f"beemon {layout.name}",
        "made_by": f"beemon {__version__}",
        "made": moments.iso(made.utc_us),
        "made_clock": view.clock or made.quality,
        "from": moments.iso(view.period.from_us),
        "until": moments.iso(view.period.until_us),
        "devices": sorted(view.devices) or "all",
        "zone": str(view.zone),
        "units": [asdict(unit) for unit in units(view)],
        "calibrations": calibrations(view),
        "runs": runs(view),
        "qualities": meanings(QUALITIES),
        "reasons": meanings(REASONS),
        "clock_qualities": _CLOCK_QUALITIES,
    }


def _files_of(folder: Path, rows: Mapping[str, int]) -> list[JsonObject]:
    """Every file of an export, with its hash; of a table also how many rows it has."""
    found: list[JsonObject] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size, sha256 = files.digest(path)
        entry: JsonObject = {"path": str(path.relative_to(folder)), "size": size, "sha256": sha256}
        if path.parent == folder and path.stem in rows:
            entry["rows"] = rows[path.stem]
        found.append(entry)
    return found


def _write_manifest(folder: Path, manifest: JsonObject) -> None:
    """The last file of an export."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
