"""What a stranger wrote can be shown in a message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beemon.base.quoting import shown


def test_what_a_client_wrote_is_escaped_and_shortened_before_it_is_shown():
    assert shown('say "hi"\n') == r"say \"hi\"\n"
    assert shown("żądło\x1b[2J") == r"\u017c\u0105d\u0142o\x1b[2J"
    assert shown("x" * 50) == "x" * 39 + "…"
    assert shown("x" * 40) == "x" * 40


@given(st.text())
def test_nothing_shown_can_break_a_line_or_move_a_cursor(text: str):
    safe = shown(text, 60)
    assert safe.isprintable()
    assert len(safe) <= 60
