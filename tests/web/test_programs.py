"""Tokens of programs: made by an owner, shown once, and good until they are revoked."""

from __future__ import annotations

import asyncio

import pytest

from beemon.web.roles import Role
from tests.web.asking import browser, options_for


def run(options, work) -> None:
    async def visit() -> None:
        async with browser(options) as client:
            await work(client)

    asyncio.run(visit())


@pytest.fixture
def options(archive, tmp_path):
    return options_for(archive, tmp_path)


def test_a_token_is_made_used_listed_and_revoked(options):
    async def work(client) -> None:
        made = await client.post("/api/tokens", json={"name": "grafana", "role": "viewer"})
        told = await made.json()
        assert (made.status, told["name"], told["role"]) == (200, "grafana", "viewer")
        as_program = {"headers": {"Authorization": f"Bearer {told['token']}"}}
        assert (await client.get("/metrics", **as_program)).status == 200
        assert (await client.get("/api/tokens", **as_program)).status == 403
        listed = await (await client.get("/api/tokens")).json()
        assert {"id": told["id"], "name": "grafana", "role": "viewer"} in listed["tokens"]
        assert told["token"] not in str(listed)
        gone = await client.delete(f"/api/tokens/{told['id']}")
        assert told["id"] not in [one["id"] for one in (await gone.json())["tokens"]]
        assert (await client.get("/metrics", **as_program)).status == 401
        assert (await client.delete(f"/api/tokens/{told['id']}")).status == 404

    run(options, work)


@pytest.mark.parametrize("body", [
    {"name": "", "role": "viewer"}, {"name": "x" * 61, "role": "viewer"},
    {"name": "a\nb", "role": "viewer"}, {"name": "x", "role": "nobody"}, {"name": "x"},
    {"name": "x", "role": "viewer", "more": 1}, [], "x",
])
def test_a_token_needs_a_name_and_a_role(options, body):
    async def work(client) -> None:
        told = await client.post("/api/tokens", json=body)
        assert told.status == 400

    run(options, work)


def test_there_is_a_limit_of_tokens(options):
    async def work(client) -> None:
        for number in range(100):
            told = await client.post("/api/tokens", json={"name": f"n{number}", "role": "owner"})
        assert (told.status, (await told.json())["code"]) == (409, "too-many")

    run(options, work)


def test_a_viewer_makes_no_token(archive, tmp_path):
    async def work() -> None:
        async with browser(options_for(archive, tmp_path), Role.VIEWER) as client:
            told = await client.post("/api/tokens", json={"name": "x", "role": "owner"})
            assert told.status == 403

    asyncio.run(work())
