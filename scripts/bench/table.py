"""The table that the benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HEAD = ("what", "beemon", "reference", "ratio", "target", "met")


@dataclass(frozen=True)
class Row:
    """One figure beside its reference. ``target`` bounds the ratio, or the value without one."""

    name: str
    value: float
    unit: str
    reference: str = ""
    reference_value: float | None = None
    ratio: float | None = None
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return (self.value if self.ratio is None else self.ratio) <= self.target

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        beside = "" if self.reference_value is None else f"{self.reference_value:.4g} {self.unit} "
        limit_unit = f" {self.unit}" if self.ratio is None else " x"
        return (
            self.name,
            f"{self.value:.4g} {self.unit}",
            f"{beside}{self.reference}",
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.target is None else f"<= {self.target:g}{limit_unit}",
            {None: "", True: "yes", False: "NO"}[self.met],
        )


def show(rows: Iterable[Row]) -> str:
    """The rows, aligned, under their head."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
