"""Characters that look like those of TOML are named, with what to type."""

from __future__ import annotations

import pytest

from beemon.base.spelling import problems


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("name = “a”", 'has “ (left double quotation mark); type "'),
        ('name = "a”', 'has ” (right double quotation mark); type "'),
        ("name = ‘a’", "has ‘ (left single quotation mark); type '"),
        ("name\u00a0= 1", "has a no-break space (U+00A0); type a plain space"),
        ("latitude = −36.2", "has − (minus sign); type -"),
        ("［hive］", "has ［ (fullwidth left square bracket); type ["),
        ("na\u200bme = 1", "has an invisible character, zero width space (U+200B); delete it"),
        ("name = \0", "contains NUL bytes, probably after a power cut; write the file again"),
        ("stöcke = 1",
         "has ö (latin small letter o with diaeresis) outside quotation marks; put it in quotes "
         "or delete it"),
    ],
)
def test_a_look_alike_is_told_with_its_line_and_what_to_type(line, told):
    assert [str(problem) for problem in problems("a.toml", f"[hive]\n{line}\n")] == [
        f"a.toml:2: {told}"
    ]


@pytest.mark.parametrize(
    "line", ['name = "Bienenstöcke – “a”"', "name = 'x…'", "# said “so”", "a\t= 1", ""]
)
def test_what_stands_in_quotation_marks_or_a_comment_is_fine(line):
    assert problems("a.toml", line) == []


def test_every_line_is_told_once():
    text = "a = “b”\nc = 1\nd = “e” – “f”\r\n"
    assert [problem.where for problem in problems("a.toml", text)] == ["a.toml:1", "a.toml:3"]
