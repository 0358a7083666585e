"""The guide: what a beekeeper is told and asked while a scale is calibrated."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.cli.calibrate import GivenUpError, Guide
from tests.hive import until
from tests.service.test_calibrate import Yard

pytestmark = pytest.mark.process


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path)
    with yard.hive:
        yield yard


class Keeper:
    """Answers what is asked, and puts weights on the scale when told to."""

    def __init__(self, yard: Yard, *answers: str | tuple[float, str]) -> None:
        self._yard, self._answers = yard, list(answers)
        self.asked: list[str] = []
        self.told: list[str] = []

    def ask(self, question: str) -> str:
        self.asked.append(question)
        answer = self._answers.pop(0)
        if isinstance(answer, tuple):
            self._yard.put(answer[0])
            return answer[1]
        return answer

    def follow(self) -> None:
        with self._yard.hive.client() as client:
            Guide(client, "sensor.scale", self.ask, self.told.append).calibrate()
        assert self._answers == []


def test_an_empty_scale_and_a_known_weight(yard: Yard) -> None:
    keeper = Keeper(yard, "y", (0, ""), "10 kg", "5g", (10_000, ""))
    keeper.follow()
    assert [question.partition(" ")[0] for question in keeper.asked] == [
        "Can", "Take", "What", "How", "Put",
    ]
    assert re.search(r"The scale reads (10\.00|9\.99)\d kg ± ", keeper.told[-1])
    assert keeper.told[2].startswith("bridge -0.")
    assert yard.reading()["quantity"] == "weight"


def test_a_standing_hive_whose_weight_is_known_roughly(yard: Yard) -> None:
    keeper = Keeper(yard, "maybe", "n", "38kg", "1kg", (38_000, ""), "5kg", "", (43_000, ""))
    keeper.follow()
    assert yard.reading()["value"] == pytest.approx(43_000, abs=50)


def test_a_step_that_failed_is_offered_again(yard: Yard) -> None:
    keeper = Keeper(yard, "y", "", "10kg", "", "", (10_000, "yes"))
    keeper.follow()
    assert any("not-moved" in said for said in keeper.told)


def test_who_gives_up_is_told_why(yard: Yard) -> None:
    keeper = Keeper(yard, "y", "", "10kg", "", "", "n")
    with pytest.raises(GivenUpError, match="not-moved"):
        keeper.follow()
    assert yard.reading()["quantity"] == "bridge"


def test_a_weight_without_its_unit_is_the_end_with_what_would_be_right(yard: Yard) -> None:
    with pytest.raises(GivenUpError, match="such as 10kg, 500g or 22lb"):
        Keeper(yard, "y", "", "ten", "", "").follow()


class Terminal:
    """`beemon calibrate` at a real terminal."""

    def __init__(self, yard: Yard) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "beemon", "calibrate", "sensor.scale", "--config",
             yard.hive.config],
            stdin=slave, stdout=slave, stderr=slave,
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.shown = ""

    def see(self, text: str) -> None:
        until(self._shows(text), 30)
        self.shown = self.shown.partition(text)[2]

    def _shows(self, text: str) -> Callable[[], bool]:
        def look() -> bool:
            try:
                self.shown += os.read(self._master, 4096).decode()
            except BlockingIOError:
                pass
            except OSError:  # the other side has closed it
                assert text in self.shown
            return text in self.shown

        return look

    def type(self, text: str) -> None:
        os.write(self._master, f"{text}\n".encode())

    def close(self) -> None:
        os.close(self._master)


def test_at_a_real_terminal(yard: Yard) -> None:
    terminal = Terminal(yard)
    for shown, grams, typed in (
        ("[y/n]", 0, "y"), ("press Enter.", 0, ""), ("lb?", 0, "10kg"), ("exact)", 0, "5g"),
        ("press Enter.", 10_000, ""),
    ):
        terminal.see(shown)
        yard.put(grams)
        terminal.type(typed)
    terminal.see("Done. The scale reads ")
    assert terminal.process.wait(10) == 0
    terminal.close()
    assert yard.reading()["quantity"] == "weight"


def beemon(yard: Yard, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beemon", *words, "--config", yard.hive.config],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )


def test_step_by_step_as_the_readme_has_it(yard: Yard) -> None:
    assert "There are no calibrations yet" in beemon(yard, "calibrations").stdout
    zero = beemon(yard, "calibrate", "sensor.scale", "zero", "--wait")
    assert (zero.returncode, zero.stderr) == (0, "")
    assert "samples   30" in zero.stdout
    yard.put(10_000)
    weight = beemon(yard, "calibrate", "sensor.scale", "weight", "10kg", "5g", "--wait")
    assert "uncertainty" in weight.stdout
    assert ", by calibration 2" in beemon(yard, "read", "--wait").stdout
    assert "weight = (raw - " in beemon(yard, "calibrations").stdout
    assert "calibrated  sensor.scale" in beemon(yard, "status").stdout
    assert "There are no events" in beemon(yard, "events", "7d", "inspection").stdout


def test_without_a_terminal_a_step_is_asked_for(yard: Yard) -> None:
    said = beemon(yard, "calibrate", "sensor.scale")
    assert said.returncode == 2
    assert "STEP is missing (one of zero, weight, standing, added, temperature; at a" in said.stderr
