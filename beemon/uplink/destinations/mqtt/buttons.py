"""Buttons: the commands that the config lists, and nothing else, asked for by messages."""

from __future__ import annotations

import logging

from beemon.base.facts import JsonObject, to_json
from beemon.protocol.replies import JobFacts
from beemon.uplink.destinations.mqtt.session import Session
from beemon.uplink.destinations.mqtt.view import encode
from beemon.uplink.hive import Hive, RefusedError

log = logging.getLogger(__name__)

ORIGIN = "mqtt"
"""The origin of the jobs of these commands begins with this."""


class Buttons:
    """Sends commands to the service, and tells what became of them."""

    def __init__(self, commands: tuple[str, ...], base: str, hive: Hive, session: Session) -> None:
        self._commands, self._base = commands, base
        self._hive, self._session = hive, session

    def press(self, payload: bytes) -> None:
        """Send a command that is listed; any other is answered with an error.

        The answer is on the topic ``job``: the command with the number of its job, or the error.
        """
        command = payload.decode("utf-8", "replace")
        if command not in self._commands:
            log.warning("a command that [mqtt] does not list was refused")
            self._answer({"error": "[mqtt] commands does not list this command"})
            return
        try:
            job = self._hive.send_command(command)
        except (RefusedError, OSError) as error:
            self._answer({"command": command, "error": str(error)})
        else:
            self._answer({"command": command, "job": job})

    def show_outcome(self, job: JobFacts) -> None:
        """Publish the outcome of a job that came from here."""
        if (job.origin or "").startswith(ORIGIN):
            self._session.publish(f"{self._base}/job/{job.job}", encode(to_json(job)))

    def _answer(self, message: JsonObject) -> None:
        self._session.publish(f"{self._base}/job", encode(message))
