"""The manual: every word that can be typed, and every word that beemon explains."""

from __future__ import annotations

from collections.abc import Iterator

from beemon.base.finding import KINDS
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.base.status import DEVICE_STATES, POWER_STAGES
from beemon.checks.findings import FINDINGS
from beemon.cli.layout import Part, Table
from beemon.protocol.commands import FOR_PROGRAMS, VOCABULARY
from beemon.protocol.lines import ERRORS

HERE = {
    "serve": "run the service (systemd does this)",
    "find": "list the devices of this machine",
    "setup": "write a config for these devices, and show that they work",
    "page": "show the address of the page, or open it to the network",
    "serve-page": "run the page (systemd does this)",
    "serve-uplink": "run the uplink (systemd does this)",
    "alerts": "list the rules for alerts and their states, or send a test message",
    "plot": "show the history of one quantity as a chart, or write it as SVG or PNG",
    "config check": "check the config and print each problem with its file and line",
    "fetch": "write a job's recording to a file",
    "show": "take a picture, record a sound or show the readings of a DEVICE",
    "play": "play the recording of a job, or record with a DEVICE and play that",
    "export": "write the data of some days as files for other programs, such as CSV",
    "import": "import the files of another hive monitor (AppMAIS); stop the service first",
    "backup": "write the database and the config to one file",
    "restore": "use a backup in the place of the archive and the config; stop the service first",
    "doctor": "check the machine, the service and the config, and fix problems",
    "support-bundle": "write the logs and settings to one file for those who help you",
    "upload": "show uploads, verify or retry them",
    "archive check": "check the database and the files",
    "archive rebuild": "rebuild the database from the files; stop the service first",
}
"""The words that `beemon` carries out itself, without the service."""

EXPLAINED = {
    "reason": REASONS, "error code": ERRORS, "check result": FINDINGS, "quality": QUALITIES,
    "finding": KINDS,
    "device state": DEVICE_STATES, "power stage": POWER_STAGES,
}
"""Every word that beemon explains, by its kind."""


def vocabulary() -> Iterator[Part]:
    """Every word that can be typed after `beemon`, with its summary."""
    asked = [word for word in VOCABULARY.values() if word.name not in FOR_PROGRAMS]
    groups = {
        "Commands (each becomes a job):":
            {word.usage: word.summary for word in asked if word.is_command},
        "Queries:":
            {word.usage: word.summary for word in asked if not word.is_command},
        "Without the service:": HERE,
    }
    longest = max(len(usage) for group in groups.values() for usage in group)
    for heading, group in groups.items():
        yield heading
        yield Table([(usage.ljust(longest), told) for usage, told in group.items()], indent=2)
        yield ""
    yield "A DEVICE is its kind and its name in the config: microphone.brood."


def explanation(word: str) -> Iterator[str]:
    """The meanings and remedies of a word; none if it is unknown."""
    for kind, table in EXPLAINED.items():
        if found := table.get(word):
            yield f"{word} ({kind}): {found.meaning}."
            yield f"  {found.remedy}"
