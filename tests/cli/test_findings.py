"""What a person at a terminal reads of findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from beemon.base.facts import to_json
from beemon.base.finding import FIRST, KINDS, STANDS, WITHDRAWN, Finding, Measured
from beemon.cli import health, times
from beemon.cli.layout import fitted
from beemon.cli.render import parts
from beemon.protocol.replies import FindingFacts, FindingList, Today, Why

NOW = datetime(2026, 6, 3, 8, 0, tzinfo=UTC)
SWARM = Finding(
    "swarm", FIRST, "apiary-7", "2026-06-02T10:15:00.000Z", "2026-06-02T10:45:00.000Z",
    "2026-06-02T10:45:00.000Z", "At 12:15 1.3 kg left.", "swarm", 2, "sensor.scale",
    measured=(Measured("loss", 1300.0, "g", 12.0, 36), Measured("longest_jump", 4.0, "min", n=1)),
    for_=("It was by day.", "The bees out were less in."), against=("It was in two readings.",),
    unknown=("No bees were counted.",),
)
SUM = Finding(
    "day", STANDS, "apiary-7", "2026-06-01T22:00:00.000Z", "2026-06-02T22:00:00.000Z",
    "2026-06-03T04:00:00.000Z", "By itself the hive lost 67 g.", "day", 1,
    unknown=("The nest: no `nest` in the config.",),
)


@pytest.fixture(autouse=True)
def _clocks_of_the_hive():
    times.prepare(usual=ZoneInfo("Europe/Berlin"))
    yield
    times.prepare()


def entered(number: int, finding: Finding, **more: object) -> FindingFacts:
    return FindingFacts(number, finding.told, "synchronised", finding, **more)


def rendered(word: str, told: object, width: int | None = None) -> str:
    shown = parts(word, to_json(told), NOW)
    return "\n".join(line for part in shown for line in fitted(part, width))


def test_today_is_the_sum_of_the_latest_day_and_the_news_since():
    told = Today("2026-06-03", entered(9, SUM), (entered(8, SWARM),))
    assert rendered("today", told) == """\
2026-06-02: By itself the hive lost 67 g.
The nest: no `nest` in the config.
The numbers: `beemon why 9`.

finding  about (+02:00)       what
8        2026-06-02 12:15:00  At 12:15 1.3 kg left. (may be taken back)
The reasons: `beemon why 8`."""


@pytest.mark.parametrize(("day", "says"), [
    ("2026-06-03", "No sum of 2026-06-03 yet. A day is summed up at 06:00 on the next day"),
    ("2026-06-02", "No sum of 2026-06-02 yet"),
    ("2026-05-01", "There is no sum of 2026-05-01. The days that have one: `beemon findings 365d`"),
])
def test_a_day_without_a_sum_says_so_with_the_next_command(day, says):
    assert rendered("today", Today(day)).startswith(says)


def test_a_list_has_the_withdrawn_ones_marked():
    told = FindingList((entered(8, replace(SWARM, stage=WITHDRAWN)), entered(9, SUM)))
    assert "withdrawn: At 12:15 1.3 kg left.\n" in rendered("findings", told)
    assert "There are no findings in that time: they are computed each day at 06:00." in rendered(
        "findings", FindingList(())
    )


def test_a_list_that_is_cut_says_so_with_the_next_command():
    shown = (entered(8, SWARM), entered(9, SUM))
    cut = rendered("findings", FindingList(shown, truncated=True))
    assert cut.endswith(
        "\nEarlier findings are not shown. For an earlier day: `beemon today 2026-06-02`."
    )
    assert "not shown" not in rendered("findings", FindingList(shown))
    day = rendered("today", Today("2026-06-02", entered(9, SUM), shown[:1], truncated=True))
    assert day.endswith(
        "\nSome findings are not shown. All of them: `beemon export 2026-06-02`."
    )


def test_why_tells_all_the_reasons_and_the_others_about_the_matter():
    stands = replace(SWARM, stage=STANDS, says="1.3 kg left and did not come back.", revises=8)
    told = Why((entered(8, SWARM, revised=9), entered(9, stands, label="yes")), 9)
    assert rendered("why", told).startswith("""\
finding 9 (swarm), sensor.scale
from 2026-06-02 12:15:00 +02:00 to 2026-06-02 12:45:00 +02:00

1.3 kg left and did not come back.

  for           It was by day.
                The bees out were less in.
  against       It was in two readings.
  not known     No bees were counted.
  loss          1.300 kg ± 12 g, 36 readings
  longest jump  4 min, 1 reading
  stage         stands
  revises       finding 8 (first): At 12:15 1.3 kg left.
  your word     yes
  rule          swarm, version 2, of 2026-06-02 12:45:00 +02:00""")
    first = rendered("why", replace(told, asked=8))
    assert "revised by    finding 9 (stands): 1.3 kg left and did not come back." in first
    assert "stage         first: later readings may take it back" in first
    assert "your word     not given" in first


@pytest.mark.parametrize(("number", "says"), [
    (Measured("net", 114.7936, "g", 72.43772), "115 g ± 72 g"),
    (Measured("rate", 19.97603, "g/h", 1.256097), "20 g/h ± 1.3 g/h"),
    (Measured("change", 0.1273195, "K"), "0.1273 K"),
    (Measured("mean", 35.0, "°C", 0.0), "35 °C ± 0 °C"),
    (Measured("none", 0.0, "mm"), "0 mm"),
])
def test_a_number_has_the_digits_that_its_uncertainty_allows(number, says):
    told = Why((entered(8, replace(SWARM, measured=(number,))),), 8)
    assert f"{number.name.ljust(9)}  {says}\n" in rendered("why", told)


def test_the_sum_of_a_day_is_listed_with_its_date_alone():
    listed = rendered("findings", FindingList((entered(9, SUM), entered(8, SWARM))))
    assert "9        2026-06-02           By itself" in listed
    assert "8        2026-06-02 12:15:00  At 12:15" in listed


def test_why_ends_with_the_advice_of_its_kind_until_the_beekeeper_has_answered():
    asked = rendered("why", Why((entered(8, SWARM),), 8))
    assert asked.endswith(KINDS["swarm"].remedy.replace("FINDING", "8"))
    answered = rendered("why", Why((entered(8, SWARM, label="no"),), 8))
    assert "beemon swarm" not in answered
    assert "your word" not in rendered("why", Why((entered(9, SUM),), 9))


def test_why_does_not_advise_to_ask_why():
    assert "beemon why" in KINDS["day"].remedy
    assert "beemon why" not in rendered("why", Why((entered(9, SUM),), 9))


@pytest.mark.parametrize("width", [32, 40])
def test_it_fits_a_phone(width):
    swarm = entered(8, SWARM)
    for word, told in [
        ("today", Today("2026-06-03", entered(9, SUM), (swarm,))), ("why", Why((swarm,), 8)),
        ("findings", FindingList((swarm,))), ("today", Today("2026-06-03")),
    ]:
        assert max(map(len, rendered(word, told, width).split("\n"))) <= width, word


@pytest.mark.parametrize(("findings", "says"), [
    ((), "By itself the hive lost 67 g. (beemon why 9)"),
    ((SWARM,), "By itself the hive lost 67 g. (beemon why 9)"),
    ((replace(SWARM, told="2026-06-03T07:00:00.000Z"),), "At 12:15 1.3 kg left. (beemon why 8)"),
    ((replace(SWARM, told="2026-06-03T07:00:00.000Z", stage=WITHDRAWN),),
     "By itself the hive lost 67 g. (beemon why 9)"),
    ((replace(SWARM, kind="tipped", told="2026-06-03T07:00:00.000Z", stage=STANDS),),
     "At 12:15 1.3 kg left. (beemon why 8)"),
])
def test_a_status_ends_with_the_sum_of_the_day_or_with_what_is_newer(findings, says):
    told = Today("2026-06-03", entered(9, SUM), tuple(entered(8, one) for one in findings))
    assert health.news(to_json(told)) == says


def test_a_status_counts_the_findings_that_are_as_new_as_the_one_it_shows():
    news = [entered(number, replace(SWARM, told=f"2026-06-03T0{number}:00:00.000Z"))
            for number in (7, 6, 8)]
    told = Today("2026-06-03", entered(9, SUM), (entered(5, SWARM), *news))
    assert health.news(to_json(told)) == (
        "At 12:15 1.3 kg left. (beemon why 8; 2 more: beemon today)"
    )


def test_a_status_has_no_news_without_findings():
    assert health.news(to_json(Today("2026-06-03"))) is None
