"""The vocabulary: what a client may say, and what it is told when it says something else."""

from __future__ import annotations

import re
from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beemon.base import clock, since, zone
from beemon.protocol.commands import VOCABULARY, Request, kind_of, parse
from beemon.protocol.lines import ERRORS, RequestError, decode
from tests.corpus import COMMANDS, DEVICES, LIMIT, MESSAGES, Message


def refusal(text: str, devices=DEVICES) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse(text, devices)
    return caught.value


def request(text: str) -> Request:
    return parse(text, DEVICES)


def outcome(message: bytes, limit=LIMIT, devices=DEVICES) -> Request | RequestError:
    """What comes of a message on its whole way: decoded, then parsed."""
    try:
        return parse(decode(message, limit), devices)
    except RequestError as error:
        return error


@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_every_message_is_understood_or_refused_with_its_code(message: Message):
    came = outcome(message.sent)
    assert (came.code if isinstance(came, RequestError) else None) == message.code


@pytest.mark.parametrize("message", COMMANDS, ids=str)
def test_a_command_keeps_the_words_of_the_client(message: Message):
    came = outcome(message.sent)
    assert came.word.is_command
    assert came.text == message.sent.decode()


def test_arguments_come_out_parsed():
    assert request("record microphone.brood 2.5").arguments == {
        "DEVICE": "microphone.brood", "SECONDS": 2.5,
    }
    assert request("snapshot camera.entrance")["CAMERA"] == "camera.entrance"
    assert request("read sensor.scale sensor.climate")["SENSOR"] == ["sensor.scale",
                                                                   "sensor.climate"]
    assert request("stop all")["DEVICE|all"] == "all"
    assert request("cancel 17")["JOB|DEVICE|all"] == 17
    assert request("cancel all")["JOB|DEVICE|all"] == "all"
    assert request("cancel sensor.scale")["JOB|DEVICE|all"] == "sensor.scale"
    assert request("job 17")["JOB"] == 17
    assert request("wait 999999999999999999")["JOB"] == 999999999999999999
    assert request("why -43")["FINDING"] == -43
    assert request("jobs 3")["COUNT|SINCE"] == (3, None)
    assert request("jobs 2026-06-01T06:30Z")["COUNT|SINCE"] == (None, 1_780_295_400_000_000)
    assert request("help record")["WORD"] == "record"
    assert request(f"uploaded 17 {'5E' * 32} read-back").arguments == {
        "RECORDING": 17, "SHA256": "5e" * 32, "PROOF": "read-back",
    }
    assert request("forgotten recordings/2026-06-01/a.flac")["RECORDING"] == (
        "recordings/2026-06-01/a.flac"
    )
    assert request("auth 5e$ame")["TOKEN"] == "5e$ame"


def test_an_optional_argument_that_was_left_out_is_none_or_an_empty_list():
    assert request("record microphone.brood")["SECONDS"] is None
    assert request("read")["SENSOR"] == []
    assert request("help")["WORD"] is None


@pytest.mark.parametrize("text", ["reload", "watch", "status", "devices", "version", "ping"])
def test_some_words_stand_alone(text: str):
    assert request(text).arguments == {}


def test_no_word_at_all_is_a_request_error_too():
    assert refusal("").code == refusal("   ").code == "empty"


def test_case_matters_and_the_right_word_is_suggested():
    assert str(refusal("Status")) == 'unknown command "Status"; did you mean "status"?'


def test_a_word_near_nothing_points_to_help():
    assert str(refusal("xyzzy")).endswith("; `help` lists the words")


def test_an_unknown_device_gets_the_nearest_of_the_right_kind():
    assert str(refusal("record microphone.brod")) == (
        'no device "microphone.brod"; did you mean "microphone.brood"?'
    )


def test_a_device_of_the_wrong_kind_is_told_what_it_is():
    assert str(refusal("record sensor.scale")) == (
        "DEVICE must be a camera or a microphone, and sensor.scale is a sensor"
    )
    assert str(refusal("read camera.entrance")).startswith("SENSOR must be a sensor,")


def test_a_config_without_such_devices_is_named_as_the_cause():
    assert str(refusal("record x", ["sensor.scale"])) == (
        'no device "x"; the config has no camera or microphone'
    )
    assert str(refusal("start x", [])) == 'no device "x"; the config has no device'


def test_the_size_alone_is_no_proof_of_an_upload():
    assert str(refusal(f"uploaded 17 {'5e' * 32} size")) == (
        'PROOF must be one of hash, read-back, not "size"'
    )
    assert str(refusal(f"uploaded 17 {'5e' * 32}")).startswith(
        "PROOF is missing (one of hash, read-back); "
    )


def test_a_hash_of_another_kind_is_not_taken_for_the_recordings():
    assert str(refusal(f"uploaded 17 {'5e' * 16} hash")).startswith(
        "SHA256 must be the recording's SHA-256, 64 hexadecimal digits, not "
    )


def test_a_missing_argument_is_named_with_the_form():
    assert str(refusal("record")) == (
        "DEVICE is missing; usage: record DEVICE [SECONDS]"
    )


def test_a_superfluous_argument_is_named_with_the_form():
    assert str(refusal("ping pong")) == '"pong" is one argument too many; usage: ping'


def test_a_bad_number_is_told_what_would_be_right():
    assert str(refusal("record microphone.brood 3601")) == (
        'SECONDS must be a number of seconds between 0.1 and 3600, not "3601"'
    )
    assert str(refusal("job x")) == 'JOB must be a whole number, not "x"'
    assert str(refusal("why x")) == 'FINDING must be a whole number, not "x"'
    assert str(refusal("cancel x")) == (
        'JOB|DEVICE|all must be the number of a job, the name of a device, or all, not "x"'
    )
    assert str(refusal("cancel sensor.scal")) == (
        'no device "sensor.scal"; did you mean "sensor.scale"?'
    )
    assert "must be a word that `help` lists" in str(refusal("help me"))


def test_a_device_is_of_the_kind_before_the_dot():
    assert [kind_of(device) for device in DEVICES] == ["camera", "microphone", "sensor", "sensor"]


def test_help_shows_each_word_with_its_arguments():
    usages = {word.usage for word in VOCABULARY.values()}
    assert {"record DEVICE [SECONDS]", "read [SENSOR…]", "stop DEVICE|all", "ping"} <= usages


def test_commands_are_told_from_queries():
    commands = {word.name for word in VOCABULARY.values() if word.is_command}
    assert commands == {"record", "snapshot", "read", "switch", "start", "stop", "cancel", "reload",
                        "inspection", "swarm", "live", "calibrate", "clock", "uploaded",
                        "forgotten", "alerted"}


@pytest.mark.parametrize("written", ["12h", "7d", "4w", "2026-06-01", "today", "yesterday",
                                     "2026-06-01T06:30", "2026-06-01T06:30:15+02:00"])
def test_since_is_a_day_a_time_or_a_span(written):
    before_us = clock.now().utc_us
    request = parse(f"history {DEVICES[-1]} weight {written}", DEVICES)
    after_us = clock.now().utc_us
    least, most = (since.begin_us(written, now_us, UTC) for now_us in (before_us, after_us))
    assert request["QUANTITY"] == "weight"
    assert least <= request["SINCE"] <= most


@pytest.mark.parametrize("written", ["7", "d", "1y", "2026-02-30", "99999d", "01.06.2026",
                                     "2026-06-01T25:00", "T06:30"])
def test_since_is_nothing_else(written):
    with pytest.raises(RequestError, match="must be a date such as 2026-06-01, a time"):
        parse(f"history {DEVICES[-1]} weight {written}", DEVICES)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("on", {"OUTPUT": "output.fan", "on|off": True}),
        ("off", {"OUTPUT": "output.fan", "on|off": False}),
        ("on 90", {"OUTPUT": "output.fan", "on|off": True, "SECONDS": 90.0}),
    ],
)
def test_an_output_is_switched(words, arguments):
    assert parse(f"switch output.fan {words}", [*DEVICES, "output.fan"]).arguments == arguments


@pytest.mark.parametrize("words", ["output.fan", "output.fan ON", "sensor.scale on", "fan on"])
def test_what_is_no_switch_is_refused(words):
    refusal(f"switch {words}", [*DEVICES, "output.fan"])


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("record microphone.brood 30", {"microphone.brood"}),
        ("snapshot  camera.entrance", {"camera.entrance"}),
        ("read", {"sensor.climate", "sensor.scale"}),
        ("read sensor.scale", {"sensor.scale"}),
        ("calibrate sensor.scale weight 10kg", {"sensor.scale"}),
        ("stop microphone.brood", set()),
        ("inspection begin microphone.brood", set()),
        ("cancel sensor.scale", set()),
        ("reload", set()),
    ],
)
def test_a_command_names_the_devices_that_it_has_to_wait_for(text, devices):
    assert request(text).devices_at_work(DEVICES) == devices


# Any bytes at all

STRICT = re.compile(
    rb" *(?:"
    rb"record +(?:camera\.entrance|microphone\.brood)(?: +(?P<seconds>\d{1,6}(?:\.\d{1,3})?))?"
    rb"|snapshot +camera\.entrance"
    rb"|read(?: +sensor\.(?:climate|scale))*"
    rb"|(?:start|stop) +(?:all|camera\.entrance|microphone\.brood|sensor\.(?:climate|scale))"
    rb"|cancel +(?:[1-9]\d{0,17}|all|camera\.entrance|microphone\.brood"
    rb"|sensor\.(?:climate|scale))"
    rb"|forgotten +(?:-?\d{1,15}|recordings/[0-9-]{1,10}/[A-Za-z0-9@._-]{1,200})"
    rb"|reload"
    rb") *"
)
"""Commands as a strict reader knows them, written down without a look at the code."""


def is_command(message: bytes) -> bool:
    match = STRICT.fullmatch(message) if len(message) <= LIMIT else None
    if match is None:
        return False
    return match["seconds"] is None or 0 < Decimal(match["seconds"].decode()) <= 3600


FRAGMENTS = st.sampled_from(
    [b" ", b"  ", b"\t", b"\0", b".", b"-", b"all", b"0", b"1", b"30", b"3600", b"0.001", b"1e3",
     b"9999999", "٣".encode(), b"\xff", *(name.encode() for name in (*DEVICES, *VOCABULARY))]
)
MESSAGE_BYTES = st.one_of(
    st.binary(max_size=2 * LIMIT),
    st.text(max_size=LIMIT).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(FRAGMENTS, max_size=7).map(b"".join),
    st.lists(FRAGMENTS, max_size=7).map(b" ".join),
    st.sampled_from(COMMANDS).map(lambda message: message.sent).flatmap(
        lambda sent: st.tuples(st.integers(0, len(sent)), st.binary(max_size=2)).map(
            lambda edit: sent[: edit[0]] + edit[1] + sent[edit[0] + 1 :]
        )
    ),
)


@given(MESSAGE_BYTES)
@example(b"record microphone.brood 0.000")
@example(b"record microphone.brood 003600.000")
def test_a_command_is_what_a_strict_reader_takes_for_one_and_nothing_else(message: bytes):
    came = outcome(message)
    assert (isinstance(came, Request) and came.word.is_command) == is_command(message)


@given(MESSAGE_BYTES)
def test_any_bytes_give_a_request_or_a_request_error_that_fits_a_line(message: bytes):
    came = outcome(message)
    if isinstance(came, RequestError):
        assert came.code in ERRORS
        assert str(came).isprintable()
        assert len(came.reply()) < 1000
    else:
        assert came.text.encode() == message


@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=4))
def test_any_text_against_any_devices_gives_a_request_or_a_request_error(text, devices):
    came = outcome(text.encode("utf-8", "surrogatepass"), 1000, devices)
    assert came.code in ERRORS if isinstance(came, RequestError) else came.text == text


def test_an_inspection_begins_or_ends():
    assert parse("inspection begin", DEVICES)["begin|end"] == "begin"
    assert "must be one of begin, end" in str(refusal("inspection maybe", DEVICES))


@pytest.mark.parametrize(
    ("written", "grams"), [("10kg", 10_000.0), ("500g", 500.0), ("22lb", 22 * 453.59237)]
)
def test_a_weight_has_its_unit(written, grams):
    asked = request(f"calibrate sensor.scale weight {written} 5g")
    assert (asked["WEIGHT"], asked["TOLERANCE"]) == (pytest.approx(grams), 5.0)


@pytest.mark.parametrize(
    "text",
    [
        "calibrate sensor.scale", "calibrate sensor.scale weight", "calibrate sensor.scale added",
        "calibrate sensor.scale weight 10", "calibrate sensor.scale weight 0kg",
        "calibrate sensor.scale weight 1e3g", "calibrate sensor.scale weight 1001kg",
        "calibrate sensor.scale zero 5kg", "calibrate sensor.scale temperature 5kg",
        "calibrate sensor.scale tare", "calibrate sensor.scale weight 10kg 5g 5g",
    ],
)
def test_a_calibration_that_is_not_said_right_is_refused(text):
    assert refusal(text).code == "bad-argument"


@pytest.mark.parametrize("written", ["today", "yesterday", "2026-06-01"])
def test_a_day_is_a_date_or_a_word(written):
    before_us = clock.now().utc_us
    found = parse(f"today {written}", [])["DATE"]
    moments = before_us, clock.now().utc_us
    assert found in {since.day_of(written, one, zone.local()) for one in moments}


@pytest.mark.parametrize("written", ["7d", "2026-13-01", "1969-12-31", "9999-12-31"])
def test_no_other_day_is_one(written):
    with pytest.raises(RequestError, match="DATE must be"):
        parse(f"today {written}", [])
