"""Privacy: a viewer learns neither where the hive is nor where a recording is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beemon.web.privacy import HIDDEN, for_viewer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from([*HIDDEN]), inner),
    max_leaves=30,
)


def names(told) -> set[str]:
    if isinstance(told, dict):
        return {*told, *(name for value in told.values() for name in names(value))}
    return {name for one in told for name in names(one)} if isinstance(told, list) else set()


@given(JSON)
def test_no_hidden_member_is_left_at_any_depth(told):
    assert not names(for_viewer(told)) & HIDDEN
    assert names(for_viewer(told)) <= names(told)


def test_a_path_within_a_sentence_is_left_out():
    told = {"message": "the file /var/lib/beemon/recordings/2026-06-01/a.flac is gone"}
    assert for_viewer(told) == {"message": "the file … is gone"}


def test_all_else_stays():
    told = {"job": 4, "outcome": "done", "seconds": 2.5, "list": [None, True, "ok"]}
    assert for_viewer(told) == told
