"""Exports beside the running service: one after the other, and each is whole or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

FOLDER = "exports"
"""Beside the archive, on the same disk."""
EVERY_SECONDS = 4.0


def export_until(over: Event, archive: Path, environment: dict[str, str]) -> None:
    """Take the last export away, export again, wait, begin again."""
    folder = archive.with_name(FOLDER)
    output, gone = folder / "today", folder / ".gone"
    while not over.is_set():
        shutil.rmtree(gone, ignore_errors=True)
        if output.exists():
            output.rename(gone)
        today = datetime.now(UTC).date()
        command = [sys.executable, "-m", "beemon", "export"]
        command += [str(today - timedelta(days=1)), str(today)]
        command += ["--path", str(archive), "--output", str(output)]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            while run.poll() is None and not over.wait(0.05):
                pass
            run.kill()
        over.wait(EVERY_SECONDS)


def torn(archive: Path) -> Iterator[str]:
    """What of a finished export is not as its manifest says."""
    folder = archive.with_name(FOLDER) / "today"
    if not folder.exists():
        return
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield f"torn export: its manifest cannot be read: {error}"
        return
    for said in manifest["files"]:
        path = folder / said["path"]
        content = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(content).hexdigest() != said["sha256"]:
            yield f"torn export: {said['path']} has {len(content)} bytes of {said['size']}"
