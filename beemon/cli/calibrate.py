"""Guide: leads a beekeeper at the hive through a scale's calibration, step by step.

Each step is a normal command. The guide gives the instructions before it and shows its result. A
step that fails changes nothing, and the guide offers to repeat it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beemon.cli import long_work
from beemon.cli.numbers import amount
from beemon.cli.times import in_sentence
from beemon.protocol.client import Client


class GivenUpError(RuntimeError):
    """The calibration was not finished; the text is the reason."""


class Guide:
    """Calibrates ``scale`` over a ``client``. ``ask`` shows a question and returns the answer."""

    def __init__(
        self, client: Client, scale: str, ask: Callable[[str], str], say: Callable[[str], None]
    ) -> None:
        self._client, self._scale = client, scale
        self._ask, self._say = ask, say

    def calibrate(self) -> None:
        """Ask and measure until the scale is calibrated. Raises :class:`GivenUpError`."""
        self._say(f"Calibrating {self._scale}. Ctrl-C ends it at any time.")
        if self._agrees("Can you empty the scale and put a known weight on it? [y/n]"):
            self._ready("Take everything off the scale and step back")
            self._step("zero")
            known = self._weight("What does the known weight weigh, such as 10kg or 22lb?")
            self._ready("Put it in the middle of the scale and step back")
            told = self._step(f"weight {known}")
        else:
            stands = self._weight(
                "What does the standing hive weigh, such as 38kg? (Enter if you do not know)",
                may_lack=True,
            )
            self._ready("Leave the hive as it is and step back")
            self._step(f"standing {stands}".rstrip())
            known = self._weight("What does the weight that you will add weigh, such as 5kg?")
            self._ready("Put it in the middle of the hive's top and step back")
            told = self._step(f"added {known}")
        unsure = amount(told["uncertainty"], "g")
        self._say(
            f"Done. The scale reads {amount(told['grams'], 'g')} ± {unsure}. This calibration is "
            "now in use; `beemon calibrations` lists all."
        )

    def _step(self, step: str) -> dict[str, Any]:
        """Measure until it succeeds, or the user gives up."""
        while True:
            self._say("Measuring …")
            reply = self._client.request(f"calibrate {self._scale} {step}")
            if not reply.ok:
                raise GivenUpError(f"{reply.payload['message']} ({reply.payload['code']})")
            with long_work.shown(f"calibrate {self._scale} {step}"):
                told = self._client.wait(reply.payload["job"]).payload
            if told.get("outcome") == "done":
                self._say(
                    f"{told['quantity']} {told['mean']:.6g} {told['unit']}, moved by "
                    f"{told['spread']:.1g} in {told['samples']} samples"
                )
                return told
            said = in_sentence(f"{told.get('reason')}: {told.get('message')}")
            self._say(f"That did not work: {said}")
            if not self._agrees("Try again? [y/n]"):
                raise GivenUpError(said)

    def _weight(self, question: str, *, may_lack: bool = False) -> str:
        """A weight and its tolerance, in the command's form; it reports a problem itself."""
        weight = ""
        while not weight:
            weight = self._ask(question).replace(" ", "")
            if may_lack and not weight:
                return ""
        tolerance = self._ask("How accurate is that, such as 5g? (Enter: exact)")
        return f"{weight} {tolerance.replace(' ', '')}".rstrip()

    def _ready(self, what: str) -> None:
        self._ask(f"{what}; then press Enter.")

    def _agrees(self, question: str) -> bool:
        while True:
            answer = self._ask(question).strip().lower()
            if answer in ("y", "yes", "n", "no"):
                return answer.startswith("y")
