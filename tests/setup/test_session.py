"""`beemon setup` on a planted machine, with a running service, and a person who answers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beemon.base.progress import Progress
from beemon.config import settings as config
from beemon.protocol.client import Client
from beemon.setup import files
from beemon.setup.service import NotInForceError
from beemon.setup.session import GivenUpError, Talk, Wishes, run
from tests.grounds.sound import PERIOD, REAL_TIME, FakeMicrophone
from tests.hive import Hive
from tests.setup.planted import Planted

pytestmark = pytest.mark.process

HARDWARE = """
pcm.!hw {{
  @args [ CARD DEV ]
  @args.CARD {{ type string }}
  @args.DEV {{ type string  default "0" }}
  type file
  slave.pcm {{ type null }}
  file /dev/null
  infile {{ @func concat  strings [ "{}/" $CARD ".fifo" ] }}
  format raw
}}
"""
"""Lets the name of each card mean a FIFO."""


class SteadyMicrophone(FakeMicrophone):
    """A card that feeds one listener after the other."""

    def __init__(self, folder: Path, card: str, source: bytes = b"") -> None:
        super().__init__(folder, card, source)
        with self.config.open("a") as added:
            added.write(HARDWARE.format(folder))

    def _feed(self, pace: float, period: int) -> None:
        while not self._stopped.is_set():
            super()._feed(pace, period)


class Person:
    """Answers the questions in which one of the words stands; all others with Enter."""

    def __init__(self, hive: Hive, planted: Planted) -> None:
        self.hive = hive
        self.planted = planted
        self.heard: list[str] = []
        self.asked: list[str] = []
        self.shown: list[str] = []
        self.answers: dict[str, str | Callable[[], str]] = {}

    def ask(self, question: str) -> str:
        self.asked.append(question)
        for word, answer in self.answers.items():
            if word in question:
                return answer if isinstance(answer, str) else answer()
        return ""

    def connect(self) -> Client:
        return Client(port=self.hive.port)

    @contextlib.contextmanager
    def during(self, work: str | Progress) -> Iterator[None]:
        """Nothing is said or asked while the line of the progress is on the terminal."""
        before = len(self.heard), len(self.asked)
        yield
        self.shown.append(work.says if isinstance(work, Progress) else work)
        assert (len(self.heard), len(self.asked)) == before

    def set_up(self, **wishes: bool) -> str:
        """Run it; everything that it said."""
        talk = Talk(self.heard.append, self.ask, self.connect, self.heard.append, self.during)
        run(Wishes(self.hive.config, **wishes), talk, self.planted.machine)
        return self.told()

    def told(self) -> str:
        return "\n".join(self.heard)

    @property
    def conf_d(self) -> Path:
        return self.hive.folder / "conf.d"

    def written(self) -> dict[str, str]:
        return {file.name: file.read_text() for file in self.conf_d.glob("*")}


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    found = Planted(tmp_path / "machine")
    found.add_thermometer("28-0316a2794dff")
    return found


@pytest.fixture
def person(tmp_path: Path, planted: Planted) -> Iterator[Person]:
    folder = tmp_path / "hive"
    folder.mkdir()
    with Hive(folder, devices="") as hive:
        yield Person(hive, planted)


def refuse() -> str:
    raise EOFError


def interrupt() -> str:
    raise KeyboardInterrupt


def test_a_sensor_is_shown_written_put_in_force_and_read(person):
    told = person.set_up(questions=False)
    assert "1. sensor.brood: the 1-Wire thermometer DS18B20 28-0316a2794dff\n" in told
    assert "\n     temperature 34.5 °C\n" in told
    assert "  sensor.brood: temperature 34.5 °C" in told
    assert {*person.hive.ask("devices")["devices"]} == {"sensor.brood"}
    assert (person.conf_d / "sensor.brood.toml").stat().st_mode & 0o777 == 0o640
    assert not person.asked
    assert [*dict.fromkeys(person.shown)] == [
        "looking for devices", "0 of 1 devices tried", "starting the service with this config",
        "waiting for the devices",
    ]


def test_a_second_run_changes_nothing_but_what_is_new(person, planted):
    person.set_up(questions=False)
    before = person.written()
    told = person.set_up(questions=False)
    assert "it is sensor.brood already" in told
    assert person.written() == before
    planted.add_thermometer("28-0316a2794e00", 12.0)
    person.set_up(questions=False)
    assert {*person.written()} == {"sensor.brood.toml", "sensor.brood2.toml"}
    assert person.written()["sensor.brood.toml"] == before["sensor.brood.toml"]


def test_the_edits_of_a_person_and_the_name_they_gave_stay(person):
    file = person.conf_d / "mine.toml"
    file.parent.mkdir()
    text = '[sensor.queen]\ndriver = "kernel"\ndevice = "28-0316a2794dff"\n' \
           f'sysfs = "{person.planted.machine.sys}"\n'
    file.write_text(text)
    assert "it is sensor.queen already" in person.set_up(questions=False)
    assert person.written() == {"mine.toml": text}
    assert {*person.hive.ask("devices")["devices"]} == {"sensor.queen"}


def test_a_file_of_the_same_name_is_not_overwritten(person):
    file = person.conf_d / "sensor.brood.toml"
    file.parent.mkdir()
    file.write_text("# mine\n")
    person.set_up(questions=False)
    assert person.written()["sensor.brood.toml"] == "# mine\n"
    assert "28-0316a2794dff" in person.written()["sensor.brood-2.toml"]


def test_a_sensor_that_does_not_deliver_is_left_out(person, planted):
    planted.add_thermometer("28-0316a2794e00", 85.0)
    told = person.set_up(questions=False)
    assert "(power-on-value)" in told
    assert "Left out for now, as it does not deliver: sensor.brood2" in told
    assert {*person.written()} == {"sensor.brood.toml"}


def test_the_answers_about_the_hive_are_in_force(person):
    person.answers = {"Name": "apiary-7", "Latitude": "36.21", "Longitude": "-81.67"}
    person.set_up()
    hive = config.load(person.hive.config).hive
    assert (hive.name, hive.latitude, hive.longitude) == ("apiary-7", 36.21, -81.67)
    assert person.hive.ask("status")["hive"] == "apiary-7"
    person.answers = {"Name": "apiary-8"}
    person.set_up()
    assert config.load(person.hive.config).hive.name == "apiary-8"
    assert config.load(person.hive.config).hive.longitude == -81.67


def test_a_hive_file_that_a_person_edited_is_told_and_not_changed(person):
    person.answers = {"Name": "apiary-7"}
    person.set_up()
    file = person.conf_d / "hive.toml"
    file.write_text(file.read_text() + "# mine\n")
    person.answers = {"Name": "apiary-8"}
    assert "was edited by hand" in person.set_up()
    assert config.load(person.hive.config).hive.name == "apiary-7"


def test_a_wrong_answer_is_asked_for_again(person):
    answers = iter(["apiary 7", "apiary-7"])
    latitudes = iter(["north", "100", ""])
    person.answers = {"Name": lambda: next(answers), "Latitude": lambda: next(latitudes)}
    told = person.set_up()
    assert "letters, digits" in told
    assert "must be a number" in told
    assert "from -90 to 90" in told
    assert config.load(person.hive.config).hive.name == "apiary-7"


def test_a_device_is_left_out_by_its_number(person, planted):
    planted.add_thermometer("28-0316a2794e00", 12.0)
    person.answers = {"Leave out": "1"}
    person.set_up()
    assert {*person.written()} == {"sensor.brood2.toml"}


def test_a_converter_can_be_the_scale(person, planted):
    planted.add_chip("iio", 0, "ads1115", "i2c-1/1-0048", in_voltage0_raw="12345",
                     in_voltage_scale="0.125")
    person.answers = {"weighs": "1"}
    person.set_up()
    assert "\n[sensor.scale.weighing]\n" in person.written()["sensor.scale.toml"]


def test_a_scale_at_gpio_pins_is_asked_for_and_tried(person, planted, monkeypatch):
    """The pins of the mock are silent, as a scale without power is."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    planted.be_a_pi()
    answers = iter(["five", "5 6"])
    person.answers = {"SCK": lambda: next(answers)}
    told = person.set_up()
    assert "must be a number" in told
    assert "\n  sensor.scale: " in told
    scale = config.load(person.hive.config).devices["sensor.scale"]
    assert (scale.driver, scale.table["clock"], scale.table["data"]) == ("hx711", 5, 6)
    person.asked.clear()
    person.set_up()
    assert not any("SCK" in question for question in person.asked)


def test_a_simulated_hive_ends_when_a_real_one_is_set_up(person):
    person.set_up(simulated=True)
    assert "sensor.scale" in person.hive.ask("devices")["devices"]
    person.set_up(questions=False)  # which ends nothing that is not asked
    assert {*person.written()} == {"simulated.toml", "sensor.brood2.toml"}
    (person.conf_d / "sensor.brood2.toml").unlink()
    told = person.set_up()
    assert "deleted " in told
    assert {*person.written()} == {"sensor.brood.toml"}
    assert {*person.hive.ask("devices")["devices"]} == {"sensor.brood"}


def test_a_simulated_hive_stays_if_a_person_wants_that(person):
    person.set_up(simulated=True)
    person.answers = {"End the simulated": "no"}
    person.set_up()
    assert "simulated.toml" in person.written()


@pytest.mark.parametrize(("answer", "error"), [(refuse, GivenUpError),
                                               (interrupt, KeyboardInterrupt)])
def test_who_stops_answering_leaves_nothing_behind(person, answer, error):
    person.answers = {"Latitude": answer}
    with pytest.raises(error):
        person.set_up()
    assert person.written() == {}


def test_a_service_that_is_away_leaves_nothing_behind(person):
    person.hive.stop()
    with pytest.raises(NotInForceError, match="nothing answers"):
        person.set_up(questions=False)
    assert person.written() == {}


def test_a_service_that_refuses_the_config_leaves_nothing_behind(person):
    """It was checked, and then the main file was changed by somebody else."""
    def connect() -> Client:
        person.hive.config.write_text("[hive\n")
        return Client(port=person.hive.port)

    talk = Talk(person.heard.append, person.ask, connect)
    with pytest.raises(NotInForceError):
        run(Wishes(person.hive.config, questions=False), talk, person.planted.machine)
    assert person.written() == {}


def interrupted(main: Path, texts: dict[str, str]) -> str:
    """Interrupt setup after it wrote the files; what was in one of them then."""
    there = ""
    with contextlib.suppress(KeyboardInterrupt), files.written(main, texts):
        there = (main.parent / "conf.d/b.toml").read_text()
        raise KeyboardInterrupt
    return there


def test_a_ctrl_c_while_files_are_written_leaves_nothing_behind(tmp_path):
    main = tmp_path / "beemon.toml"
    main.write_text("")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/b.toml").write_text("# before\n")
    assert interrupted(main, {"a.toml": "", "b.toml": "#\n"}) == "#\n"
    assert [*(tmp_path / "conf.d").iterdir()] == [tmp_path / "conf.d/b.toml"]
    assert (tmp_path / "conf.d/b.toml").read_text() == "# before\n"


def test_a_dry_run_writes_nothing_and_prints_everything(person):
    told = person.set_up(questions=False, dry_run=True)
    assert f'# {person.conf_d}/sensor.brood.toml\n# the 1-Wire' in told
    assert not person.conf_d.exists()


@pytest.mark.ground("alsa")
def test_a_silent_card_is_told_with_its_remedy_and_left_out(person, planted, tmp_path, monkeypatch):
    planted.plug_sound(0, "Device", "1-1.2")
    card = SteadyMicrophone(tmp_path, "Device", bytes(4 * PERIOD))
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(card.config))
    card.start(REAL_TIME)
    try:
        told = person.set_up(questions=False)
    finally:
        card.stop()
    assert "silent: " in told
    assert "Left out for now, as it does not deliver: microphone.brood" in told
    assert {*person.written()} == {"sensor.brood.toml"}


@pytest.mark.ground("alsa")
def test_a_sound_card_is_heard_and_records(tmp_path, planted, monkeypatch):
    planted.plug_sound(0, "Device", "1-1.2")
    card = SteadyMicrophone(tmp_path, "Device")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(card.config))
    card.start(REAL_TIME)
    folder = tmp_path / "hive"
    folder.mkdir()
    try:
        with Hive(folder, devices="", ALSA_CONFIG_PATH=os.environ["ALSA_CONFIG_PATH"]) as hive:
            told = Person(hive, planted).set_up(questions=False)
    finally:
        card.stop()
    assert "microphone.brood: the sound card Device at usb-0000:01:00.0-1.2\n     1.0 s, level -" \
        in told
    assert "  microphone.brood: 5.0 s, level -" in told
