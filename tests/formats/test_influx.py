"""Influx line protocol: what is written is read again, and no line can be torn."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.formats.influx import line
from beemon.formats.measured import Measured
from tests.formats.samples import NO_WEIGHT, NOON_US, TEMPERATURE, WEIGHT

TAG = re.compile(r"((?:[^,= ]|\\[,= ])+)=((?:[^,= \\]|\\[,= ])+)")
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\")*"|[^, "]+)')
LINE = re.compile(
    rf"beemon((?:,{TAG.pattern})*) ({FIELD.pattern}(?:,{FIELD.pattern})*) (\d+)\n", re.DOTALL
)


def read(text: str) -> tuple[dict[str, str], dict[str, str], int]:
    """The tags, the fields and the time of a line, by the rules of InfluxDB's reference."""
    found = LINE.fullmatch(text)
    assert found, text
    tags = TAG.findall(found[1])
    return (
        {key: re.sub(r"\\([,= ])", r"\1", value) for key, value in tags},
        dict(FIELD.findall(found[4])),
        int(text.rpartition(" ")[2]),
    )


def test_a_value_is_a_line_with_the_quality_of_the_clock_as_a_tag() -> None:
    assert line("apiary-7", TEMPERATURE) == (
        "beemon,clock=rtc,hive=apiary-7,quantity=temperature,sensor=sensor.brood,unit=°C"
        f' value=34.8,quality="good",job=7i {NOON_US}000\n'
    )
    assert ' value=31250.5,quality="few-samples",uncertainty=2.5,job=8i ' in line("h", WEIGHT)


def test_a_missing_value_has_no_field_but_a_reason() -> None:
    _, fields, _ = read(line("apiary-7", NO_WEIGHT))
    assert fields == {"reason": '"all-ones"', "job": "8i"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_number_is_never_written_as_one(value: float) -> None:
    _, fields, _ = read(line("h", TEMPERATURE._replace(value=value)))
    assert fields == {"reason": '"not-a-number"', "job": "7i"}


def test_a_quantity_without_a_unit_has_no_such_tag() -> None:
    tags, _, _ = read(line("h", TEMPERATURE._replace(unit="", clock=None)))
    assert tags.keys() == {"hive", "quantity", "sensor"}


@given(
    hive=st.text(min_size=1), quantity=st.text(min_size=1), unit=st.text(), reason=st.text(),
    value=st.none() | st.floats(), job=st.integers(0),
)
def test_every_text_survives_without_tearing_its_line(
    hive: str, quantity: str, unit: str, reason: str, value: float | None, job: int
) -> None:
    one = Measured(NOON_US, "sensor.a", quantity, unit, value, reason, clock="rtc", job=job)
    tags, fields, time = read(line(hive, one))
    assert time == NOON_US * 1000
    for name, text in (("hive", hive), ("quantity", quantity)):
        assert tags[name] == "".join(
            "_" if character in "\\\x7f" or character < " " else character for character in text
        )
    assert ("value" in fields) != ("reason" in fields)
    assert fields["job"] == f"{job}i"
