"""What an operator types, and what comes back."""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon import __version__
from beemon.cli import main as cli
from beemon.protocol.client import Client, Reply
from beemon.protocol.commands import FOR_PROGRAMS, VOCABULARY
from tests.hive import Hive, free_port


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    with Hive(tmp_path_factory.mktemp("hive")) as hive:
        yield hive


@pytest.fixture
def beemon(hive: Hive, capsys: pytest.CaptureFixture[str]) -> object:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main([*arguments, "--config", str(hive.config)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.mark.process
def test_status_reads_well_and_exits_0(beemon) -> None:  # type: ignore[no-untyped-def]
    status, out, _ = beemon("status")
    assert status == 0
    assert re.match(r"test-hive is .*\.\n\ndevice            state  +schedule  problem\n", out)
    assert "\nservice  beemon " in out


def test_json_prints_the_reply_as_one_object(beemon) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = beemon("devices", "--json")
    assert "camera.entrance" in json.loads(out)["devices"]


def test_wait_option_prints_the_outcome(beemon) -> None:  # type: ignore[no-untyped-def]
    status, out, _ = beemon("read", "sensor.brood", "--wait")
    assert status == 0
    assert re.match(r"job \d+ done: read sensor.brood\nsensor.brood  humidity  .* %  ", out)


def test_a_job_that_did_not_end_done_exits_1(beemon) -> None:  # type: ignore[no-untyped-def]
    status, out, _ = beemon("cancel", "4711", "--wait")
    assert status == 1
    assert "failed (no-such-job): cancel 4711\n" in out


def test_an_unknown_device_goes_to_standard_error_and_exits_2(  # type: ignore[no-untyped-def]
    beemon,
) -> None:
    status, out, err = beemon("record", "microphone.brod")
    assert (status, out) == (2, "")
    assert 'did you mean "microphone.brood"?' in err


def test_a_line_break_in_an_argument_sends_nothing(beemon) -> None:  # type: ignore[no-untyped-def]
    before = beemon("jobs")
    status, out, err = beemon("inspection", "begin", "note one\nstop all", "--wait")
    assert (status, out) == (2, "")
    assert err == (
        "beemon: nothing was sent: character 26 is U+000A; only printable ones are allowed\n"
    )
    assert beemon("jobs") == before


def test_a_service_that_is_not_there_exits_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(tmp_path / "none.toml")
    assert cli.main(["ping", "--port", str(free_port()), "--config", config]) == 3
    assert "check that the service is running" in capsys.readouterr().err


@pytest.mark.parametrize("word", [w for w in VOCABULARY if w not in FOR_PROGRAMS])
def test_every_word_of_the_protocol_can_be_typed(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([word, "--help"])
    assert end.value.code == 0
    assert f"usage: beemon {VOCABULARY[word].usage}" in capsys.readouterr().out


def test_config_check_says_what_is_good(beemon) -> None:  # type: ignore[no-untyped-def]
    status, out, _ = beemon("config", "check")
    assert status == 0
    assert "is good: hive test-hive" in out


def test_config_check_lists_every_problem_also_the_drivers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text('[sensor.a]\ndriver = "simulated"\nsped = 2\n[sensor.b]\ndriver = "nope"\n')
    assert cli.main(["config", "check", "--config", str(config)]) == 1
    err = capsys.readouterr().err
    assert f'{config}:3: unknown option "sped"; did you mean "speed"?' in err
    assert f'{config}:5: unknown sensor driver "nope"' in err
    assert "2 problems found" in err


@pytest.mark.parametrize(
    ("quantity", "said"),
    [
        ("temprature", '; did you mean "temperature"?'), ("voltage", "; known: humidity, load, t"),
        ("temperature", None), ("load", None),
    ],
)
def test_config_check_knows_the_quantities_of_the_sensor_that_decides_on_the_power(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quantity: str, said: str | None
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text(f"""[sensor.a]
driver = "simulated"
quantities = ["temperature", "humidity"]
calibration.humidity = {{ quantity = "load", unit = "W" }}
schedule = {{ interval = "1m" }}
[power]
sensor = "sensor.a"
quantity = "{quantity}"
[power.saving]
below = 12
until = 13
""")
    assert cli.main(["config", "check", "--config", str(config)]) == (1 if said else 0)
    told = f'{config}:8: sensor.a has no quantity "{quantity}"{said}'
    assert (told in capsys.readouterr().err) == bool(said)


def test_config_check_warns_of_hardware_that_is_absent_and_is_good_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text('[sensor.a]\ndriver = "kernel"\ndevice = "28-0316a2794dff"\n')
    assert cli.main(["config", "check", "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert f"{config}:1: warning: sensor.a: " in said.err
    assert "is good" in said.out


def test_config_check_tells_at_once_what_is_wrong_with_tables_and_with_drivers_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text(
        "[hive]\nlattitude = 36.2\n"
        '[sensor.entrance]\ndriver = "gpio"\nkind = "counter"\npin = "GPIO17"\n'
    )
    assert cli.main(["config", "check", "--config", str(config)]) == 1
    err = capsys.readouterr().err
    assert f'{config}:2: unknown option "lattitude"; did you mean "latitude"?' in err
    assert f'{config}:6: "pin" must be a whole number, not "GPIO17"' in err


def test_config_check_tells_it_in_the_order_of_the_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text(
        "[sensor.b]\ndriver = 'nope'\n[retention]\nmin_fre = '2GB'\n[camera.a]\nx = 1\n"
        "[sensor.c]\ndriver = 'system'\n[sensor.c.schedule]\n\n[hive]\nlattitude = 36.2\n"
    )
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/a.toml").write_text("[hive]\nname = 3\n")
    assert cli.main(["config", "check", "--config", str(config)]) == 1
    *told, _ = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0].removeprefix(f"{tmp_path}/") for line in told] == [
        *(f"beemon.toml:{line}" for line in (2, 4, 5, 9, 12)), "conf.d/a.toml:2",
    ]


def test_config_check_finds_a_window_that_never_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    config = tmp_path / "beemon.toml"
    config.write_text(
        "[hive]\nlatitude = 0\nlongitude = -30\n"  # the sun rises at about eight
        "[sensor.s]\ndriver = 'simulated'\n"
        '[sensor.s.schedule]\ninterval = "1h"\nwindow = ["sunrise", "09:00"]\n'
    )
    assert cli.main(["config", "check", "--config", str(config)]) == 0
    config.write_text(config.read_text().replace("09:00", "07:00"))
    assert cli.main(["config", "check", "--config", str(config)]) == 1
    assert "its window never opens on any day of the year" in capsys.readouterr().err


def test_config_check_looks_at_the_token_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text(f'[server]\ntoken_file = "{tmp_path}/token"\n[sensor.a]\ndriver = "no"\n')
    assert cli.main(["config", "check", "--config", str(config)]) == 1
    err = capsys.readouterr().err
    assert f"{tmp_path}/token: the token cannot be read: No such file or directory" in err
    assert 'unknown sensor driver "no"' in err


@pytest.mark.parametrize("recovery", [{"prayers": 1}, {"errors": "many"}])
def test_a_reply_of_another_version_is_shown_as_it_came(beemon, monkeypatch, recovery):
    _, said, _ = beemon("status", "--json")
    device = {"state": "running", "last_good_age_seconds": 1.0, "recovery": recovery}
    payload = {**json.loads(said), "devices": {"camera.a": device}}
    monkeypatch.setattr(Client, "request", lambda *_, **__: Reply(ok=True, payload=payload))
    code, said, note = beemon("status")
    assert (code, json.loads(said)) == (0, payload)
    assert "another version" in note


def test_a_report_of_another_version_is_shown_as_it_came(beemon, monkeypatch):
    told = {"report": "device", "device": "camera.a", "state": "BACKOFF"}
    replies = [Reply(ok=True, payload=told), Reply(ok=False, payload={"code": "stopping",
                                                                      "message": "it stops"})]
    monkeypatch.setattr(Client, "watch", lambda _: iter(replies))
    code, said, _ = beemon("watch")
    assert code == 1
    assert json.loads(said.partition(" ")[2]) == told


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"beemon {__version__}\n"


def test_help_needs_no_service(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["help"])
    assert end.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "record DEVICE [SECONDS] record sound" in said


def test_help_for_a_program_is_the_services_answer(beemon) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = beemon("help", "--json")
    assert "ping" in json.loads(out)["queries"]


def test_status_for_a_program_is_the_reply_and_no_more(  # type: ignore[no-untyped-def]
    beemon,
) -> None:
    _, out, _ = beemon("status", "--json")
    assert "last_job" not in json.loads(out)


def test_an_empty_path_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["config", "check", "--config="])
    assert "argument --config: the path is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["recrod", "microphone.brood"], 'unknown word "recrod"; did you mean "record"?'),
        (["stpo", "all"], 'unknown word "stpo"; `beemon help` lists the words'),
        (["brew"], 'unknown word "brew"; `beemon help` lists the words'),
        (["--verson"], 'unknown option "--verson"; did you mean "--version"?'),
        (["--port", "3", "ping"],
         'unknown option "--port"; the options of a word come after it'),
    ],
)
def test_a_wrong_word_gets_the_nearest_one(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == f"beemon: {told}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["doctor", "--fxi"], 'beemon doctor: unknown option "--fxi"; did you mean "--fix"?'),
        (["read", "--zzz"], 'beemon read: unknown option "--zzz"'),
        (["page", "opne"], 'beemon page: unknown word "opne"; did you mean "open"?'),
        (["find", "it"], 'beemon find: "it" is too much'),
        (["plot"], "beemon plot: the following arguments are required: DEVICE, QUANTITY"),
    ],
)
def test_what_a_word_does_not_know_is_told_by_that_word(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == told
    assert last == f"`beemon {arguments[0]} --help` shows the options."


@pytest.mark.parametrize("port", ["0", "65536", "http", "８０"])
def test_a_port_is_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["ping", "--port", port])
    assert end.value.code == 2
    assert f'a port is a number from 1 to 65535, not "{port}"' in capsys.readouterr().err


def test_a_config_that_was_named_and_cannot_be_read_is_told(
    hive: Hive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(tmp_path / "none.toml")
    assert cli.main(["ping", "--port", str(hive.port), "--config", config]) == 0
    assert f"{config}: cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.process
def test_who_reads_no_more_sees_no_error(hive: Hive) -> None:
    command = f"{sys.executable} -m beemon status --config {hive.config} | true"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_config_check_shows_the_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "beemon.toml"
    file.write_text(
        f'[archive]\npath = "{tmp_path}/archive"\n[camera.entrance]\ndriver = "simulated"\n'
        'bitrate = 2000000\n[camera.entrance.schedule]\ninterval = "60s"\nduration = "60s"\n'
    )
    assert cli.main(["config", "check", "--config", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "camera.entrance  21.6 GB a day  estimated from the config" in shown
    assert "To upload everything, you need 2000.0 kbit/s" in shown


def test_what_read_shows_is_what_it_measured(beemon) -> None:  # type: ignore[no-untyped-def]
    beemon("record", "microphone.brood", "0.5", "--wait")
    _, out, _ = beemon("read", "--wait")
    assert "sensor.brood" in out
    assert "microphone.brood" not in out


def test_status_check_exits_1_unless_all_is_healthy(  # type: ignore[no-untyped-def]
    beemon,
) -> None:
    _, out, _ = beemon("status", "--json")
    status, _, _ = beemon("status", "--check")
    assert status == (0 if json.loads(out)["state"] == "healthy" else 1)


def test_times_are_on_the_clocks_of_the_reader_or_in_utc(  # type: ignore[no-untyped-def]
    beemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    beemon("read", "sensor.brood", "--wait")
    assert re.match(r"job +accepted \(\+05:30\) +outcome", beemon("jobs")[1])
    assert re.search(r"\n  ended +\S+ \S+ \+05:30\n", beemon("job", "1")[1])
    assert re.match(r"job +accepted +outcome +command\n\d+ +\S+ \S+Z ", beemon("jobs", "--utc")[1])
    assert re.search(r"since \S+ \S+Z[.,]", beemon("completeness", "--since", "7d", "--utc")[1])


@pytest.mark.parametrize("words", [
    ["jobs"], ["events"], ["completeness"], ["history", "sensor.brood", "humidity"],
    ["plot", "sensor.brood", "humidity"],
])
def test_every_word_with_a_begin_takes_each_form_of_it(  # type: ignore[no-untyped-def]
    beemon, words: list[str]
) -> None:
    beemon("read", "sensor.brood", "--wait")
    for begin in ("today", "yesterday", "7d", "2h", "2026-06-01", "2026-06-01T06:30+02:00"):
        status, out, _ = beemon(*words, begin)
        assert (status, out != "") == (0, True), begin
        assert beemon(*words, "--since", begin)[0] == 0, begin
    assert beemon(*words, "tomorrow")[0] == beemon(*words, "--since", "tomorrow")[0] == 2
    assert beemon("jobs", "0h")[1] == "There are no jobs in that time.\n"


@pytest.mark.parametrize("word", [word for word in VOCABULARY if word not in FOR_PROGRAMS])
def test_a_word_whose_reply_has_times_shows_them_in_utc(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([word, "--utc", "--help"])
    has_times = word not in ("devices", "budget", "ping", "version", "help")
    assert ("--utc" in capsys.readouterr().out) is has_times


def test_an_unknown_kind_of_events_gets_the_kinds(  # type: ignore[no-untyped-def]
    beemon,
) -> None:
    status, out, _ = beemon("events", "7d", "wait")
    assert status == 0
    assert "The kinds of events so far: " in out


def test_a_config_that_is_good_is_no_line_when_it_is_to_be_quiet(  # type: ignore[no-untyped-def]
    beemon,
) -> None:
    assert beemon("config", "check", "--quiet")[:2] == (0, "")


def test_a_mistake_elsewhere_in_the_config_does_not_hide_the_port(
    hive: Hive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text(f"[server]\nlistening_port = {hive.port}\n[sensor.a]\n")
    assert cli.main(["ping", "--config", str(config)]) == 0
    assert capsys.readouterr().err == ""


def test_without_a_port_in_the_config_the_one_that_is_tried_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "beemon.toml"
    config.write_text("[server\n")
    cli.main(["ping", "--host", "192.0.2.300", "--config", str(config)])
    assert "; trying port 8080\n" in capsys.readouterr().err


@pytest.mark.process
def test_an_output_that_cannot_be_written_is_told_in_a_sentence(hive: Hive) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "beemon", "status", "--config", str(hive.config)],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )
    assert ran.returncode == 1
    assert ran.stderr == "beemon: the output cannot be written: No space left on device\n"


def test_help_of_a_word_that_is_also_a_finding_has_its_usage_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["help", "swarm"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "swarm (finding): " in out
    assert "usage: beemon swarm FINDING yes|no" in out


# As narrow as a phone, in terminals that are not UTF-8

PAGES = [
    *(["help", word] for word in VOCABULARY if word not in FOR_PROGRAMS), ["help"],
    *([word, "--help"] for word in ("serve", "config", "export", "import", "archive")),
    ["archive", "check", "--help"], ["help", "frozen"], ["help", "inspection"],
]
ASKED = [
    ["status"], ["devices"], ["readings"], ["jobs"], ["events"], ["calibrations"], ["budget"],
    ["completeness"], ["history", "sensor.brood", "temperature"], ["job", "1"], ["ping"],
    ["version"], ["read", "--wait"], ["record", "microphone.nobody"], ["cancel", "4711", "--wait"],
    ["config", "check"], ["brew"], ["make", "coffee"], ["read", "--port", "x"], ["calibrate"],
    ["archive", "check"], ["export", "2026-02-31"], ["jobs", "--utc"], ["events", "--utc"],
    ["today"], ["today", "2026-02-31"], ["why", "4711"], ["findings"], ["findings", "--utc"],
    ["plot", "sensor.brood", "temperature"], ["plot", "sensor.brood", "humidity", "today", "--utc"],
]


def written(monkeypatch: pytest.MonkeyPatch, encoding: str, *arguments: str) -> str:
    """What a terminal of that encoding receives."""
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    with contextlib.suppress(SystemExit):
        cli.main(arguments)
    terminal.flush()
    content: bytes = terminal.buffer.getvalue()  # type: ignore[attr-defined]
    return content.decode(encoding)


def too_long(text: str, width: int) -> list[str]:
    """The lines that could have been broken and were not."""
    return [line for line in text.splitlines() if len(line) > width and " " in line.strip()]


@pytest.mark.parametrize(
    ("width", "encoding"),
    [(32, "utf-8"), (32, "ascii"), (40, "latin-1"), (60, "ascii"), (80, "utf-8")],
)
def test_every_page_of_help_fits(
    width: int, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for page in PAGES:
        text = written(monkeypatch, encoding, *page)
        assert len(text) > 20
        assert too_long(text, width) == [], page


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
@pytest.mark.parametrize("width", [32, 40, 60, 80])
def test_every_answer_fits(
    width: int, encoding: str, hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    for words in ASKED:
        text = written(monkeypatch, encoding, *words, "--config", str(hive.config))
        assert text
        assert too_long(text, width) == [], words


def test_help_on_a_phone_has_the_usage_on_one_line_and_the_summary_below(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    text = written(monkeypatch, "utf-8", "help")
    assert "\n  read [SENSOR…]\n    read the given sensors, or all\n" in text
    assert len(text.splitlines()) < 180


def test_a_word_on_a_swarm_that_does_not_exist_is_refused_and_not_only_accepted(beemon):
    status, out, _ = beemon("swarm", "4711", "yes")
    assert status == 1
    assert "no-such-finding" in out
    assert "beemon findings 30d" in out
    status, out, _ = beemon("swarm", "4711", "yes", "--json")
    assert (status, [*json.loads(out)]) == (0, ["job"])
