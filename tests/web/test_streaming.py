"""Event streams: what changed, once, also for a browser that comes back or does not read."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from beemon.base.clock import Quality, Stamp
from beemon.base.readings import Reading
from beemon.ledger import events
from beemon.ledger import readings as series
from beemon.ledger.ledger import Ledger
from beemon.protocol.client import Client
from beemon.web import changes
from beemon.web.roles import Role
from tests.hive import Hive
from tests.web.asking import browser, options_for

PATIENCE = 40.0


async def told(reply, *, comments: bool = False) -> AsyncIterator[dict]:
    """The events of a stream: id, event, data."""
    one: dict = {}
    async for line in reply.content:
        text = line.decode().rstrip("\n")
        if text:
            name, _, value = text.partition(": ")
            one[name] = json.loads(value) if name == "data" else value
        elif one:
            if "event" in one or comments:
                yield one
            one = {}


async def first(reply, kind: str, fits=lambda data: True) -> dict:
    async def find() -> dict:
        async for one in told(reply):
            if one["event"] == kind and fits(one["data"]):
                return one
        raise AssertionError("the stream ended")

    return await asyncio.wait_for(find(), PATIENCE)


def tell(ledger: Ledger, message: str) -> None:
    with ledger.transaction():
        events.enter(ledger, "note", message)


@pytest.fixture
def options(ledger, tmp_path):
    return options_for(ledger.archive, tmp_path)


def run(work) -> None:
    asyncio.run(asyncio.wait_for(work, 2 * PATIENCE))


def test_what_is_entered_in_the_archive_is_told(options, ledger):
    async def watch() -> None:
        async with browser(options) as client, client.get("/api/changes") as reply:
            assert reply.headers["Content-Type"].startswith("text/event-stream")
            await first(reply, "status", lambda data: data["reached"] is False)
            with ledger.transaction():
                job = ledger.accept("read", "schedule")
                at = Stamp(1_780_315_200_000_000, 1.0, Quality.RTC)
                series.keep(ledger, job, [Reading("sensor.a", "x", "g", 5.0, None, at)])
                events.enter(ledger, "note", "hello")
            event = await first(reply, "event")
            assert event["data"]["message"] == "hello"
            reading = await first(reply, "reading")
            assert reading["data"]["readings"][0]["value"] == 5.0

    run(watch())


def test_a_browser_that_returns_is_told_what_it_missed_once(options, ledger):
    async def watch() -> None:
        async with browser(options) as client:
            async with client.get("/api/changes") as reply:
                await first(reply, "status")
                tell(ledger, "one")
                last = (await first(reply, "event"))["id"]
            for message in ("two", "three"):
                tell(ledger, message)
            async with client.get("/api/changes", headers={"Last-Event-ID": last}) as reply:
                assert (await first(reply, "event"))["data"]["message"] == "two"
                assert (await first(reply, "event"))["data"]["message"] == "three"
                tell(ledger, "four")
                assert (await first(reply, "event"))["data"]["message"] == "four"

    run(watch())


@pytest.mark.parametrize("last", ["5-5", "x", "9" * 30, "1-", "-1"])
def test_a_browser_with_an_unknown_number_is_told_to_ask_again_or_begins_anew(
    options, ledger, last
):
    async def watch() -> None:
        async with browser(options) as client, \
                client.get("/api/changes", headers={"Last-Event-ID": last}) as reply:
            assert reply.status == 200
            if "-" in last.strip("-"):
                await first(reply, "status", lambda data: data.get("missed"))
            tell(ledger, "hello")
            assert (await first(reply, "event"))["data"]["message"] == "hello"

    run(watch())


def test_a_page_that_is_loaded_again_and_again_takes_one_place_at_the_server(options):
    connected = []

    def connect() -> Client:
        connected.append(1)
        return options.connect()

    async def watch() -> None:
        again = dataclasses.replace(options, connect=connect)
        async with browser(again) as client:
            for _ in range(20):
                async with client.get("/api/changes") as reply:
                    await first(reply, "status", lambda data: data["reached"] is False)

    run(watch())
    assert len(connected) <= 3  # it connects again each two seconds, as nothing answers


def test_a_viewer_is_told_no_path(options, ledger):
    async def watch() -> None:
        async with browser(options, Role.VIEWER) as client, client.get("/api/changes") as reply:
            await first(reply, "status")
            tell(ledger, "it deleted recordings/2026-06-01/a.flac")
            assert (await first(reply, "event"))["data"]["message"] == "it deleted …"

    run(watch())


def test_there_is_a_limit_of_streams_and_a_place_is_free_again(options):
    async def watch() -> None:
        async with browser(options) as client, contextlib.AsyncExitStack() as stack:
            replies = [
                await stack.enter_async_context(client.get("/api/changes"))
                for _ in range(changes.MOST_STREAMS)
            ]
            assert {one.status for one in replies} == {200}
            async with client.get("/api/changes") as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
            replies[0].close()
            for _ in range(200):
                async with client.get("/api/changes") as again:
                    if again.status == 200:
                        return
                await asyncio.sleep(0.05)
            raise AssertionError("no place became free")

    run(watch())


def test_a_browser_that_does_not_read_is_cut_off_and_the_others_are_not():
    async def watch() -> None:
        slow, quick = (changes.Stream(asyncio.Event()) for _ in range(2))
        for number in range(changes.MOST_UNREAD + 1):
            for stream in (slow, quick):
                stream.put(changes.Change("job", {}, 1, number))
            assert quick.waiting.get_nowait().number == number
        assert slow.cut_off.is_set()
        assert not quick.cut_off.is_set()

    run(watch())


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    with Hive(tmp_path_factory.mktemp("hive"), '[sensor.a]\ndriver = "simulated"\n') as hive:
        yield hive


def test_a_job_is_told_and_a_restart_of_the_service_too(hive, tmp_path):
    options = options_for(hive.archive, tmp_path, lambda: Client(port=hive.port))

    async def watch() -> None:
        async with browser(options) as client, client.get("/api/changes") as reply:
            await first(reply, "status", lambda data: data["reached"] is True)
            async with client.post("/api/commands", data='{"command": "read sensor.a"}') as sent:
                job = (await sent.json())["job"]
                assert sent.status == 202
            ended = await first(reply, "job", lambda data: data["job"] == job)
            assert ended["data"]["outcome"] == "done"
            await first(reply, "reading")
            await asyncio.to_thread(hive.stop)
            await first(reply, "status", lambda data: data["reached"] is False)
            async with client.get("/api/status") as silent:
                assert (await silent.json())["reached"] is False
            await asyncio.to_thread(hive.start)
            await first(reply, "status", lambda data: data["reached"] is True)
            async with client.post("/api/commands", data='{"command": "read sensor.a"}') as sent:
                job = (await sent.json())["job"]
            await first(reply, "job", lambda data: data["job"] == job)

    run(watch())
