"""A package that adds a driver, for tests."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, points: str, **modules: str) -> None:
    """Put a package there, as pip leaves it."""
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    info = folder / "hive_scale-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hive-scale\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
