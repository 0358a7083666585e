"""What a defect costs, and what goes up all the same."""

from __future__ import annotations

import sys

import pytest

from beemon.base.defects import attempt, contain, of_kind


def fail(error: Exception) -> str:
    raise error


def test_what_has_no_defect_has_its_result():
    assert contain(lambda: "found", fail) == "found"
    assert attempt(lambda: "found", None) == ("found", "")


def test_what_follows_from_a_defect_may_see_its_traceback():
    error = TypeError("a defect")
    seen = contain(lambda: fail(error), lambda given: (given, sys.exc_info()[1]))
    assert seen == (error, error)


def test_what_follows_from_a_defect_may_raise():
    with pytest.raises(KeyError):
        contain(lambda: fail(TypeError()), lambda _: fail(KeyError()))


def test_what_is_foreseen_goes_up():
    with pytest.raises(ValueError, match="foreseen"):
        contain(lambda: fail(ValueError("foreseen")), str, of_kind(ValueError, OSError))
    with pytest.raises(OSError, match="disk"):
        attempt(lambda: fail(OSError("disk")), None)


def test_an_attempt_gives_the_traceback_of_its_defect():
    found, details = attempt(lambda: fail(TypeError("a defect")), "nothing")
    assert found == "nothing"
    assert details.rstrip().endswith("TypeError: a defect")
    assert "in fail" in details


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_no_defect(end: type[BaseException]):
    def stop() -> None:
        raise end

    with pytest.raises(end):
        contain(stop, repr)
