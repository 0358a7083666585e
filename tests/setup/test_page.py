"""The viewers of the page: a token for each, made and ended by its name."""

from __future__ import annotations

import pytest

from beemon.setup.page import PageError, Places, share, unshare, viewers
from beemon.web.roles import Role
from beemon.web.tokens import Tokens


@pytest.fixture
def places(tmp_path) -> Places:
    return Places(tmp_path)


def test_a_viewer_is_admitted_by_the_running_page_until_it_is_ended(places):
    running = Tokens(places.state)
    assert running.all() == []
    secret = share(places, "neighbour")
    assert running.role_of(secret) is Role.VIEWER
    assert viewers(places) == ["neighbour"]
    assert secret not in (places.state / "tokens").read_text()
    unshare(places, "neighbour")
    assert running.role_of(secret) is Role.NOBODY
    assert viewers(places) == []


def test_only_the_named_viewer_is_ended_and_no_program(places):
    share(places, "club")
    _, owner = Tokens(places.state).make("neighbour", Role.OWNER)
    with pytest.raises(PageError, match="but with: club"):
        unshare(places, "neighbour")
    share(places, "neighbour")
    unshare(places, "neighbour")
    assert viewers(places) == ["club"]
    assert Tokens(places.state).role_of(owner) is Role.OWNER
