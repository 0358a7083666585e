"""Manual pages: the sections that are written from the code when the package is built."""

from __future__ import annotations

from scripts.manual.drivers import write_drivers
from scripts.manual.findings import write_findings
from scripts.manual.replies import write_objects, write_replies
from scripts.manual.uplink import write_uplink

HEADINGS = {
    ".SH DRIVERS\n": write_drivers,
    ".SH UPLINK\n": write_uplink,
    ".SH REPLIES TO QUERIES\n": write_replies,
    ".SH OBJECTS\n": write_objects,
    ".SH FINDINGS ABOUT THE COLONY\n": write_findings,
}
"""The headings whose section is written, and what writes it."""


def fill(page: str) -> str:
    """The page with these sections. Raises ``ValueError`` if it has none of the headings."""
    found = [heading for heading in HEADINGS if heading in page]
    if not found:
        raise ValueError(f"the page has none of the lines {' '.join(HEADINGS).split()}")
    for heading in found:
        before, _, after = page.partition(heading)
        page = before + heading + HEADINGS[heading]() + after
    return page
