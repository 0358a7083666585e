"""Replies: each query has its own, and each member has its meaning."""

from __future__ import annotations

import pytest

from beemon.base.facts import members
from beemon.protocol.client import Reply
from beemon.protocol.commands import VOCABULARY
from beemon.protocol.replies import REPLIES
from scripts.manual.replies import find_inner_objects
from tests.replies import check_reply

QUERIES = [word.name for word in VOCABULARY.values() if not word.is_command]
KINDS = dict.fromkeys(kind for kinds in REPLIES.values() for kind in kinds)


def test_each_query_has_its_reply():
    assert set(REPLIES) == set(QUERIES)


@pytest.mark.parametrize("kind", [*KINDS, *find_inner_objects()], ids=lambda kind: kind.__name__)
def test_each_member_says_what_it_is(kind):
    assert [member.name for member in members(kind) if not member.says] == []


@pytest.mark.parametrize(("request_", "told"), [
    ("ping", {"pong": 1}),
    ("ping", {"pong": True, "since": 5}),
    ("ping", {}),
    ("job 1", {"job": 1, "tries": 2}),
    ("job 1", {"job": 1, "outcome": None}),
    ("read", {"job": "1"}),
])
def test_a_reply_that_the_manual_does_not_tell_is_noticed(request_, told):
    with pytest.raises(AssertionError):
        check_reply(request_, Reply(ok=True, payload=told))


def test_a_reply_as_the_manual_tells_it_passes():
    check_reply("ping", Reply(ok=True, payload={"pong": True}))
    check_reply("job 1", Reply(ok=True, payload={"job": 1, "outcome": "done", "seconds": 2.5}))
    check_reply("read", Reply(ok=True, payload={"job": 1}))
