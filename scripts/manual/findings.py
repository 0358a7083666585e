"""The section FINDINGS ABOUT THE COLONY of beemon-reasons(7), from the kinds of findings."""

from __future__ import annotations

from beemon.base.finding import KINDS
from scripts.manual.roff import escaped, prose

_BEGIN = """
beemon computes them from the readings, each day at 06:00 and at once if they are urgent. Each has
its reasons: ``beemon why FINDING``. They appear in ``beemon today`` and ``beemon findings``.
"""


def write_findings() -> str:
    """Every kind of finding with its meaning and its advice, as roff."""
    items = (
        f".TP\n.B {escaped(kind)}\n{_sentences(f'{known.meaning}. {known.remedy}')}"
        for kind, known in KINDS.items()
    )
    return prose(_BEGIN) + "".join(items)


def _sentences(text: str) -> str:
    return prose(text.replace("`", "``"))
