"""What a person at a terminal sees of a reply."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from beemon.base.facts import BadFactsError
from beemon.base.outcomes import REASONS
from beemon.checks.findings import FINDINGS
from beemon.cli import times
from beemon.cli.health import LatestJob
from beemon.cli.layout import fitted
from beemon.cli.manual import HERE, vocabulary
from beemon.cli.numbers import amount, span
from beemon.cli.render import parts, report
from beemon.protocol.commands import FOR_PROGRAMS, VOCABULARY
from beemon.protocol.replies import ReadingFacts

GB = 10**9
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
STATUS = {
    "state": "degraded", "hive": "apiary-7", "version": "1.2", "uptime_seconds": 273_600.0,
    "heartbeat_age_seconds": 0.4,
    "devices": {
        "sensor.brood": {"state": "backing-off", "last_good_age_seconds": 70.0,
                         "trouble": "timeout: no answer", "retry_in_seconds": 4,
                         "scheduled": True},
        "camera.entrance": {"state": "resting", "last_good_age_seconds": 5.0, "scheduled": False},
    },
    "running": {"17": "record microphone.brood 60"}, "waiting": 2, "troubles": [],
    "clock": "rtc", "zone": "Europe/Oslo", "archive": "/var/lib/beemon",
    "free_bytes": 70_200_000_000,
}


@pytest.fixture(autouse=True)
def _clocks_of_the_hive():
    times.prepare(usual=BERLIN)
    yield
    times.prepare()


def lines(word: str, payload: dict[str, Any], now: datetime = NOW, more=None) -> list[str]:
    return [line for part in parts(word, payload, now, more) for line in fitted(part, None)]


def rendered(word: str, payload: dict[str, Any], more=None) -> str:
    return "\n".join(lines(word, payload, NOW, more))


def test_status_begins_with_the_answer_and_goes_on_with_the_devices():
    last = LatestJob(16, "read", outcome="done", ended="2026-06-01T11:57:00.000Z")
    assert rendered("status", STATUS, last) == f"""\
apiary-7 is running, with the problems below.

device           state                             schedule  problem
camera.entrance  resting                           -
sensor.brood     backing-off, next attempt in 4 s  on        timeout: no answer
sensor.brood: {REASONS["timeout"].remedy}

service   beemon 1.2, up 3 d 4 h, heartbeat 0.4 s ago
at work   job 17: record microphone.brood 60
waiting   2 jobs
last job  16 done: read, 3 min ago
clock     taken from the battery clock at start; time zone Europe/Oslo
archive   /var/lib/beemon, 70.2 GB free"""


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"output": "off"}, "off"),
        ({"output": "on", "returns_in_seconds": 42}, "on for another 42 s"),
        ({"output": "off", "state": "in-trouble", "trouble": "device-error: GPIO 18"},
         "in-trouble"),
    ],
)
def test_an_output_is_shown_as_it_is_switched(said, shown):
    devices = {
        "output.light": {"state": "running", "last_good_age_seconds": 1, "scheduled": False, **said}
    }
    line = next(x for x in lines("status", {**STATUS, "devices": devices}, NOW) if "light" in x)
    assert shown in line


POWER = {"stage": "full", "sensor": "sensor.battery", "quantity": "voltage"}
NO_VIDEO = {
    **POWER, "stage": "no-video", "value": 11.93, "unit": "V", "below": 12.0, "until": 12.4,
    "every": 4, "since": "2026-06-01T11:00:00.000Z",
}


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (POWER, "full; sensor.battery voltage: no value yet"),
        ({**POWER, "value": 12.9, "unit": "V"}, "full; sensor.battery voltage: 12.9 V"),
        (NO_VIDEO, "no-video (1 job of 4), begun 1 h ago; sensor.battery voltage: 11.93 V, ends "
         "above 12.4 V"),
        ({**POWER, "stage": "no-video", "value": 81.0, "unit": "°C", "above": 80.0, "until": 70.0},
         "no-video; sensor.battery voltage: 81 °C, ends below 70 °C"),
    ],
)
def test_status_shows_the_power_profile(said, shown):
    [line] = [x for x in lines("status", {**STATUS, "power": said}) if x.startswith("power ")]
    assert line == f"power    {shown}"


def test_the_power_profile_fits_a_narrow_terminal():
    narrow = [
        line for part in parts("status", {**STATUS, "power": NO_VIDEO}, NOW)
        for line in fitted(part, 40)
    ]
    begin = next(i for i, line in enumerate(narrow) if line.startswith("power"))
    assert max(map(len, narrow)) <= 40
    assert narrow[begin:begin + 3] == [
        "power    no-video (1 job of 4), begun 1",
        "         h ago; sensor.battery voltage:",
        "         11.93 V, ends above 12.4 V",
    ]


def test_status_says_what_troubles_the_service_itself():
    status = {
        **STATUS, "state": "hung", "devices": {}, "running": {}, "waiting": 0,
        "heartbeat_age_seconds": None, "archive_trouble": "Input/output error",
        "troubles": [
            {"about": "ledger", "says": "it cannot be written", "remedy": ""},
            {"about": "config", "says": "it is wrong", "remedy": "beemon config check"},
        ],
    }
    del status["free_bytes"]
    said = rendered("status", status)
    assert said.startswith("apiary-7 hangs")
    assert "No device yet" in said
    assert "no heartbeat yet" in said
    assert "archive  /var/lib/beemon, Input/output error" in said
    assert "ledger   it cannot be written\n" in said
    assert said.endswith("config   it is wrong\n         beemon config check")


def test_status_says_that_the_hive_is_open_and_why_a_device_rests():
    inspection = {"begun": "2026-06-01T11:40:00.000Z", "ends_in_seconds": 6000, "note": "mites"}
    devices = {"camera.c": {"state": "resting", "last_good_age_seconds": 5, "scheduled": True,
                            "held_back": "inspection"}}
    said = rendered("status", {**STATUS, "devices": devices, "inspection": inspection})
    assert "inspection  begun 20 min ago: mites; ends automatically in 1 h 40 min" in said
    assert "camera.c  resting  inspection" in said


def test_status_says_what_a_device_was_recovered_from_and_nothing_of_one_that_never_failed():
    recovery = {"errors": 3, "reopened": 2, "restarts": 6, "given_up": 1}
    devices = {
        "camera.c": {"state": "running", "last_good_age_seconds": 5, "recovery": recovery},
        "camera.d": {"state": "running", "last_good_age_seconds": 5},
    }
    said = rendered("status", {**STATUS, "devices": devices})
    assert (
        "failures  camera.c: failed 3×, reopened 2×, worker lost 6×, "
        "given up for 10 minutes 1×\n"
    ) in said
    assert "camera.d:" not in said


SLOTS = {
    "due": 4032, "done": 3987, "failed": 40, "skipped": 0, "interrupted": 5, "open": 0,
    "reasons": {"failed": {"timeout": 31, "disk-full": 9}, "interrupted": {"crash": 5}},
    "recount": 4032, "adds_up": True,
}
TOLD = {
    "since": "2026-05-02T12:00:00.000Z", "first": "2026-05-18T08:00:00.000Z",
    "until": "2026-06-01T12:00:00.000Z", "devices": {"camera.entrance": SLOTS},
    "unslotted": {}, "unaccounted": [], "adds_up": True,
}


def test_completeness_begins_with_the_answer_and_says_what_became_of_the_rest():
    assert rendered("completeness", TOLD) == """\
Of 4,032 scheduled jobs since 2026-05-18 10:00:00 +02:00, 3,987 are done (98.9%).

device           due    done   failed  skipped  interrupted  open  reasons
camera.entrance  4,032  3,987  40      0        5            0     \
failed: timeout 31, disk-full 9; interrupted: crash 5

It adds up: the schedules ask for the same number."""


def test_completeness_says_what_does_not_add_up_and_what_is_not_counted():
    unaccounted = [
        {"from": "2026-05-20T08:00:00.000Z", "until": "2026-05-20T08:01:00.000Z", "why": "unsure"},
        {"from": "2026-06-01T08:00:00.000Z", "why": "the clock is not right yet"},
        {"from": "2026-06-01T08:00:00.000Z", "until": "2026-06-01T09:00:00.000Z",
         "device": "sensor.a", "why": "its schedule is not valid on this machine"},
    ]
    devices = {"camera.entrance": {**SLOTS, "recount": 4033, "adds_up": False}}
    told = {**TOLD, "devices": devices, "unslotted": {"done": 1300, "failed": 4},
            "unaccounted": unaccounted, "adds_up": False}
    assert rendered("completeness", told).splitlines()[-5:] == [
        "camera.entrance does not add up: its schedule asks for 4,033.",
        "1,304 more scheduled commands do not match any scheduled time: 1,300 done, 4 failed.",
        "Not counted from 2026-05-20 10:00:00 +02:00 to 2026-05-20 10:01:00 +02:00: unsure",
        "Not counted from 2026-06-01 10:00:00 +02:00: the clock is not right yet",
        "Not counted for sensor.a from 2026-06-01 10:00:00 +02:00 to 2026-06-01 11:00:00 +02:00: "
        "its schedule is not valid on this machine",
    ]


def test_completeness_says_what_cannot_be_recounted():
    devices = {"camera.entrance": {**SLOTS, "recount": None, "adds_up": False}}
    said = rendered("completeness", {**TOLD, "devices": devices, "adds_up": False})
    assert said.endswith(
        "cannot be checked: its schedule is not valid on this machine (time zone or python3-ephem "
        "missing)."
    )


def test_where_nothing_was_due_completeness_is_one_line():
    told = {"since": "2026-05-02T12:00:00.000Z", "until": "2026-05-02T12:00:00.000Z",
            "devices": {}, "unslotted": {}, "unaccounted": [], "adds_up": True}
    said = "No scheduled job has been recorded since 2026-05-02 14:00:00 +02:00."
    assert rendered("completeness", told) == said


def test_a_history_is_its_rows_under_their_names():
    told = {
        "device": "sensor.hive", "quantity": "weight", "unit": "g", "by": "hour",
        "columns": ["utc", "mean", "minimum", "maximum", "count", "missing"],
        "rows": [["2026-06-01T11:00:00.000Z", 29814.1, 29000.0, 30000.0, 59, 1],
                 ["2026-06-01T12:00:00.000Z", None, None, None, 0, 60]],
        "truncated": True,
    }
    assert rendered("history", told) == """\
sensor.hive weight in g, by the hour
when (+02:00)        mean     minimum  maximum  count  missing
2026-06-01 13:00:00  29814.1  29000    30000    59     1
2026-06-01 14:00:00  -        -        -        0      60
Earlier readings are not shown."""


def test_a_history_has_as_many_digits_as_mean_something():
    told = {
        "device": "microphone.a", "quantity": "level", "unit": "dBFS", "by": "reading",
        "columns": ["utc", "value", "reason", "quality"],
        "rows": [["2026-06-01T11:00:00.000Z", -23.0124864812, None, "good"]],
    }
    assert "-23.0  -       good" in rendered("history", told)
    assert rendered("history", {**told, "rows": []}) == (
        "No reading of microphone.a level in that time."
    )


def test_readings_are_a_value_or_a_reason_each_with_its_age():
    readings = [
        {"sensor": "sensor.hive", "quantity": "weight", "utc": "2026-06-01T11:59:00.000Z",
         "unit": "g", "value": 29814.1},
        {"sensor": "sensor.hive", "quantity": "temperature", "utc": "2026-06-01T12:00:00.000Z",
         "unit": "°C", "reason": "timeout"},
        {"sensor": "sensor.hive", "quantity": "load", "utc": "2026-06-02T12:00:00.000Z",
         "unit": "", "value": 0.5},
    ]
    assert rendered("readings", {"readings": readings}) == """\
sensor.hive  load         0.5                2026-06-02 14:00:00 +02:00
sensor.hive  temperature  no value: timeout  just now
sensor.hive  weight       29.814 kg          60 s ago"""
    assert "No reading yet" in rendered("readings", {"readings": []})
    read = {"job": 3, "command": "read", "outcome": "done"}
    weight = ReadingFacts("sensor.hive", "weight", "2026-06-01T11:59:00.000Z", "g", 29814.1)
    assert rendered("read", read, [weight]).startswith("job 3 done: read\nsensor.hive  weight")


def test_jobs_are_a_table_and_an_open_one_has_no_outcome_yet():
    jobs = [
        {"job": 12, "accepted": "2026-06-01T11:59:00.123Z", "command": "read"},
        {"job": 9, "accepted": "2026-06-01T11:58:00.123Z", "command": "snapshot camera.a",
         "outcome": "failed", "reason": "timeout", "message": "long"},
    ]
    assert rendered("jobs", {"jobs": jobs}) == """\
job  accepted (+02:00)    outcome           command
12   2026-06-01 13:59:00  open              read
9    2026-06-01 13:58:00  failed (timeout)  snapshot camera.a"""


def test_a_recording_that_failed_its_check_comes_with_the_remedy_of_each_finding():
    job = {"job": 9, "command": "record microphone.a 3", "outcome": "failed",
           "reason": "check-failed", "findings": ["silent: every sample is zero", "lost: 3"]}
    said = rendered("job", job)
    assert f"\n  {FINDINGS['silent'].remedy}\n  {FINDINGS['lost'].remedy}\n" in said
    assert REASONS["check-failed"].remedy not in said


def test_a_job_is_its_outcome_then_what_is_known_of_it():
    job = {
        "job": 9, "command": "record microphone.a 3", "origin": "schedule",
        "outcome": "interrupted", "reason": "stopping", "message": "the service was stopped",
        "recording": "recordings/a.flac", "start_utc_us": 1_780_315_200_000_000,
        "start_monotonic": 77.5, "redated_from_us": 0,
        "seconds": 2.5, "size": 67_900, "readings": {"sensor.a load": 1.0},
    }
    assert rendered("job", job) == """\
job 9 interrupted (stopping): record microphone.a 3
  the service was stopped
  Start the service: `sudo systemctl start beemon`.
  origin         schedule
  recording      recordings/a.flac
  sensor.a load  1
  start          2026-06-01 14:00:00 +02:00
  seconds        2.5
  size           67.9 kB
  redated from   1970-01-01 01:00:00 +01:00"""


def test_an_accepted_command_says_how_to_learn_its_outcome():
    assert rendered("record", {"job": 5}) == "job 5 accepted; see its outcome with: beemon wait 5"


def test_devices_have_a_driver_and_an_interval_or_none():
    devices = {"sensor.a": {"driver": "kernel", "interval_seconds": 300.0},
               "camera.b": {"driver": "simulated"}}
    assert rendered("devices", {"devices": devices}) == """\
camera.b  simulated  on command
sensor.a  kernel     every 5 min"""
    assert rendered("devices", {"devices": {}}) == "The config names no device."


def test_anything_else_is_names_and_values():
    assert rendered("ping", {"pong": True}) == "pong  yes"
    assert rendered("start", {"job": 3, "command": "start all", "scheduled": []}) == """\
job 3 open: start all
  scheduled  none"""


def test_a_reply_of_another_version_is_none_that_can_be_shown():
    with pytest.raises(BadFactsError, match='"zone" is missing'):
        rendered("status", {name: each for name, each in STATUS.items() if name != "zone"})


@pytest.mark.parametrize(
    ("payload", "line"),
    [
        ({"watching": True}, "watching, until Ctrl-C"),
        ({"report": "state", "state": "healthy"}, "the service is healthy"),
        ({"report": "device", "device": "sensor.a", "state": "running"}, "sensor.a running"),
        ({"report": "device", "device": "sensor.a", "state": "given-up", "trouble": "timeout: x"},
         "sensor.a given-up: timeout: x"),
        ({"report": "job", "job": 3, "command": "record m",
          "outcome": "done", "recording": "a.flac", "seconds": 5.0},
         "job 3 (record m) done: a.flac (5.0 s)"),
        ({"report": "job", "job": 4, "command": "read",
          "outcome": "done", "readings": {"sensor.a load": 1.5}},
         "job 4 (read) done: sensor.a load 1.5"),
        ({"report": "job", "job": 5, "command": "read",
          "outcome": "failed", "reason": "timeout", "message": "x"},
         "job 5 (read) failed (timeout): x"),
        ({"report": "job", "job": 6, "command": "reload",
          "outcome": "done"}, "job 6 (reload) done"),
    ],
)
def test_a_report_is_one_line(payload, line):
    assert report(payload) == line


@pytest.mark.parametrize("word", ["job", "wait", "record"])
def test_a_job_whose_row_is_damaged_is_not_said_to_be_open(word):
    assert rendered(word, {"job": 3, "damaged": "facts is not JSON"}).strip() == (
        "job 3 damaged: facts is not JSON"
    )


def test_a_report_of_another_version_is_none_that_can_be_shown():
    with pytest.raises(BadFactsError):
        report({"report": "device", "device": "sensor.a", "state": "BACKOFF"})


def test_a_job_with_an_odd_fact_hides_no_other():
    jobs = [
        {"job": 2, "command": "snapshot camera.a", "outcome": "done", "temperature": 21.5,
         "readings": 3},
        {"job": 1, "command": "read"},
    ]
    assert len(rendered("jobs", {"jobs": jobs}).splitlines()) == 3
    assert "21.5" in rendered("job", jobs[0])


def test_the_vocabulary_has_every_word_that_can_be_typed():
    text = "\n".join(line for part in vocabulary() for line in fitted(part, 80))
    usages = [word.usage for word in VOCABULARY.values() if word.name not in FOR_PROGRAMS]
    assert all(f"\n  {usage} " in text for usage in [*usages, *HERE])
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.42, "0.42 s"), (9.2, "9.2 s"), (45.2, "45 s"), (119, "119 s"),
     (120, "2 min"), (3600, "1 h"), (12_000, "3 h 20 min"), (446_400, "5 d 4 h"),
     (90 * 86400, "90 d"), (100 * 86400, "3 months"), (800 * 86400, "2.2 years")],
)
def test_a_span_has_units_of_its_own_size(seconds, text):
    assert span(seconds) == text


def test_bands_of_sound_come_in_the_order_of_their_frequencies():
    bands = [
        {"sensor": "microphone.a", "quantity": quantity, "utc": "2026-06-01T12:00:00.000Z",
         "unit": "dBFS", "value": -40.0}
        for quantity in ("band_100_150", "band_50_100", "level")
    ]
    shown = rendered("readings", {"readings": bands}).splitlines()
    assert [line.split()[1] for line in shown] == ["band_50_100", "band_100_150", "level"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(70_200_000_000, "B", "70.2 GB"), (999, "B", "999 B"), (999.9, "g", "999.9 g"),
     (-1500, "g", "-1.500 kg"), (35.07, "°C", "35.07 °C"), (3, "", "3"),
     (-61.25579, "dBFS", "-61.3 dBFS"), (83.95843, "%", "83.96 %")],
)
def test_an_amount_has_a_unit_of_its_size(value, unit, text):
    assert amount(value, unit) == text


def test_a_budget_says_of_each_share_where_it_comes_from():
    share = {"bytes_a_day": 2 * GB, "planned_bytes_a_day": 10_800_000_000}
    shown = list(lines("budget", {
        "devices": {
            "camera.entrance": {**share, "measured_bytes_a_day": 2 * GB, "measured_days": 7.0},
            "microphone.brood": {**share, "bytes_a_day": 42 * GB // 10,
                                 "planned_bytes_a_day": 42 * GB // 10},
        },
        "bytes_a_day": 62 * GB // 10, "free_bytes": 32 * GB, "min_free_bytes": 2 * GB,
        "days_until_full": 4.84,
        "uplink_kbit_s": 574.1, "then": "the oldest go",
    }))
    assert shown == [
        "camera.entrance   2.0 GB a day  measured over 7.0 days (estimated from the config: "
        "10.8 GB)",
        "microphone.brood  4.2 GB a day  estimated from the config",
        "all               6.2 GB a day",
        "",
        "32.0 GB free, 2.0 GB of it reserved. At this rate the disk is full in 4 d 20 h.",
        "To upload everything, you need 574.1 kbit/s all day and night.",
        "When it is full: the oldest go.",
    ]


@pytest.mark.parametrize(
    ("days", "text"),
    [(None, "Nothing fills the disk"), (3554.5, "full in 9.7 years"), (0.25, "full in 6 h"),
     (23.1, "full in 23 d 2 h"), (200, "full in 7 months"),
     (90217.2, "full in more than 100 years"),
     (0.0, "The disk is full")],
)
def test_a_disk_that_is_nearly_full_is_told_in_hours(days, text):
    shown = lines("budget", {
        "devices": {}, "bytes_a_day": 1 * GB, "free_bytes": 9 * GB, "min_free_bytes": 2 * GB,
        "days_until_full": days, "uplink_kbit_s": 1.0, "then": "the oldest go",
    })
    assert f"{text}." in "\n".join(shown)


def test_a_calibrated_reading_has_its_uncertainty_and_its_calibration():
    said = rendered("readings", {"readings": [{
        "sensor": "sensor.scale", "quantity": "weight", "unit": "g", "value": 34_215.0,
        "uncertainty": 12.0, "raw": 1.2e6, "calibration": 3, "quality": "good",
        "utc": "2026-06-01T11:59:00.000Z",
    }]})
    assert said == "sensor.scale  weight  34.215 kg ± 12 g  60 s ago, by calibration 3"


def test_status_tells_of_a_scale_that_it_is_calibrated_and_what_happened_last():
    step = {"step": "swarm", "grams": -2140, "uncertainty": 60, "unit": "g", "seconds": 900,
            "at": "2026-06-01T11:00:00.000Z"}
    scale = {"state": "running", "scheduled": True, "calibrated": "2026-05-30T12:00:00.000Z",
             "step": step}
    said = rendered("status", {**STATUS, "devices": {"sensor.scale": scale}})
    assert "calibrated  sensor.scale: 2 d ago" in said
    assert "weight      sensor.scale: swarm candidate, -2.140 kg ± 60 g, 1 h ago" in said


def test_calibrations_are_formulas():
    made = {"sensor": "sensor.scale", "quantity": "weight", "made": "2026-06-01T11:00:00.000Z",
            "clock": "rtc"}
    fit = {"step": "temperature", "of": "weight", "slope": 14.96, "slope_uncertainty": 0.21,
           "temperature": "sensor.outside temperature", "reference": 11.3, "r2": 0.97,
           "nights": 20, "residual": 3.1}
    said = rendered("calibrations", {"calibrations": [
        {**made, "calibration": 1, "zero": -213_400.0, "factor": 0.0213},
        {**made, "calibration": 2, "step": "zero", "zero": None, "factor": None},
        {**made, "calibration": 3, "step": "weight", "zero": -213_400.0, "factor": 0.02,
         "factor_uncertainty": 0.00001},
        {**made, "calibration": 4, **fit, "quantity": "weight_compensated"},
    ]})
    assert said.splitlines()[0].split("  ")[1] == "made (+02:00)"
    assert [line.split("  ")[-1].lstrip() for line in said.splitlines()[1:]] == [
        "weight = (raw - -213400) x 0.0213",
        "waits for the next step",
        "weight = (raw - -213400) x 0.02 ± 0.05%",
        "weight_compensated = weight - 14.96 ± 0.21 g/K x (sensor.outside temperature - 11.3 °C); "
        "R² 0.97, 20 nights, ± 3.1 g",
    ]


EVENT = {
    "event": 7, "utc": "2026-06-01T11:00:00.000Z", "clock": "rtc", "kind": "inspection",
    "message": "inspection begun", "facts": {},
}


def test_events_are_listed_with_their_sentence():
    assert rendered("events", {"events": [EVENT]}) == """\
when (+02:00)        kind        what
2026-06-01 13:00:00  inspection  inspection begun"""


def test_a_list_over_the_change_of_the_clocks_has_the_offset_of_each_time():
    hours = [f"2026-10-25T0{hour}:30:00.000Z" for hour in (0, 1)]
    said = rendered("events", {"events": [{**EVENT, "utc": utc} for utc in hours]})
    assert said == """\
when                        kind        what
2026-10-25 02:30:00 +02:00  inspection  inspection begun
2026-10-25 02:30:00 +01:00  inspection  inspection begun"""


def test_a_narrow_list_still_says_in_which_zone_its_times_are():
    said = [*fitted(next(parts("events", {"events": [EVENT]}, NOW)), 40)]
    assert said == [
        "when (+02:00)", "2026-06-01 13:00:00", "  kind: inspection", "  what: inspection begun",
    ]


def test_times_within_a_sentence_are_on_the_same_clocks():
    message = "the clock was set forward by 60 s, to 2026-06-01T11:00:00.123Z"
    assert "to 2026-06-01 13:00:00 +02:00" in rendered(
        "events", {"events": [{**EVENT, "message": message}]}
    )
    times.prepare(utc=True)
    said = rendered("events", {"events": [{**EVENT, "message": message}]}).splitlines()
    assert said[0].startswith("when  ")
    assert said[1].startswith("2026-06-01 11:00:00Z  inspection")
    assert said[1].endswith("to 2026-06-01 11:00:00Z")


def test_a_device_that_was_never_asked_is_untried_and_good_news_has_an_age():
    devices = {
        "camera.c": {"state": "untried", "last_good_age_seconds": None},
        "sensor.a": {"state": "running", "last_good_age_seconds": 2.0},
        "sensor.b": {"state": "running", "last_good_age_seconds": 7200.0},
        "sensor.c": {"state": "in-trouble", "last_good_age_seconds": 9.0, "trouble": "timeout: no"},
    }
    said = rendered("status", {**STATUS, "state": "starting", "devices": devices})
    assert "is starting: 1 of its devices not tried yet." in said
    assert re.search("camera.c +untried", said)
    assert re.search("sensor.a +running  ", said)
    assert re.search("sensor.b +running, good 2 h", said)
    assert re.search("sensor.c +in-trouble", said)


@pytest.mark.parametrize(("why", "said"), [
    ("power-cut", "after a power cut"),
    ("watchdog", "by the watchdog, because it had stopped working"),
    ("stop", None),
])
def test_why_the_service_was_started_is_told_where_nobody_asked_for_it(why, said):
    start = {"start": {"at": "2026-06-01T11:00:00.000Z", "why": why}}
    told = rendered("status", {**STATUS, **start})
    assert (f"started  {said}, 1 h ago" in told) if said else ("started" not in told)


def test_where_nothing_of_a_kind_happened_the_kinds_are_listed():
    assert rendered("events", {"events": [], "kinds": ["clock", "start"]}).splitlines() == [
        "There are no events in that time.", "The kinds of events so far: clock, start.",
    ]


def test_where_nothing_is_to_be_sent_no_uplink_is_asked_for():
    told = {"devices": {}, "bytes_a_day": 0, "free_bytes": 9 * GB, "min_free_bytes": 2 * GB,
            "days_until_full": None, "uplink_kbit_s": 0.0, "then": "the oldest go"}
    assert "kbit/s" not in rendered("budget", told)


@pytest.mark.parametrize(("waiting", "told"), [(1, "1 job"), (2, "2 jobs")])
def test_what_waits_is_counted_in_words_that_fit(waiting, told):
    assert f"waiting  {told}\n" in rendered("status", {**STATUS, "waiting": waiting})
