"""Attacks on the page's own process while a simulated hive records: the hive notices nothing."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from beemon.base.clock import CONFIRMED
from beemon.web.changes import MOST_STREAMS
from tests.hive import SHORT_SLOTS, Hive, free_port
from tests.page.site import PASSWORD, Site
from tests.web.attacker import heard, request

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

STREAMS, SLOW, REQUESTS, CLIENTS = 1000, 200, 10_000, 8
MOST_MEGABYTES = 80
"""The memory up to which systemd does not slow the page down."""
FLOODS = [
    request("/", Connection="keep-alive") * 1500, b"GET /api/session HTTP/1.1\r\n\r\n" * 3500,
    request("/api/openapi.json", Connection="keep-alive") * 1500,
    b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * 16_000,
    request("/api/session", "POST", b"x" * 100_000)[:-9],
    request("/api/session", "POST", b"{}", Connection="keep-alive") * 900,
]
"""What some hundred clients each send at once; they read little or nothing of the replies."""
WORDS = [
    "api", "session", "status", "recordings", "1", "9" * 40, "-1", "..", "%2e%2e", "%00", "static",
    "live", "camera.entrance.jpg", "series?device=sensor.climate&quantity=x&since=7d", "tokens",
    "commands", "export", "events.csv", "changes", "sound", "sensor.climate", "2026-02-30", "é",
    "metrics", "openapi.json", "etc/passwd", "a" * 3000, "?since=9999w", "*", "\\", "//evil",
]
METHODS = ["GET"] * 8 + ["POST", "DELETE", "PUT", "HEAD", "OPTIONS", "CONNECT", "BREW"]
BODIES = [b"", b"{}", b"[" * 5000, b'{"password": "' + b"x" * 100 + b'"}', b"\xff\xfe", b"null"]


class Place:
    """The page in front of a hive, and the headers of its owner."""

    def __init__(self, hive: Hive, site: Site) -> None:
        self.hive, self.site = hive, site
        self.owner: dict[str, str] = {}

    async def send(self, text: bytes) -> bytes:
        """The reply to these bytes; nothing if the page ends the connection."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.site.port)
            writer.write(text)
            reply = await heard(reader)
            writer.transport.abort()
        except ConnectionError:
            return b""
        return reply

    async def enter(self) -> None:
        """Set the first password."""
        body = json.dumps({"code": self.site.code(), "password": PASSWORD}).encode()
        reply = await self.send(request("/api/password", "POST", body))
        head, _, told = reply.partition(b"\r\n\r\n")
        cookie = next(line for line in head.split(b"\r\n") if line.startswith(b"Set-Cookie: "))
        self.owner = {"Cookie": cookie[12:].split(b";")[0].decode(),
                      "X-Csrf": json.loads(told)["csrf"]}

    async def status(self, path: str, **headers: str) -> int:
        """The status of an owner's GET."""
        return int((await self.send(request(path, **self.owner, **headers))).split(b" ")[1])

    def memory(self) -> float:
        """The most memory that the page has used, in megabytes."""
        assert self.site.process is not None
        told = Path(f"/proc/{self.site.process.pid}/status").read_text()
        return int(told.partition("VmHWM:")[2].split()[0]) / 1024

    def said(self) -> str:
        """The page's log."""
        return (self.hive.folder / "page.log").read_text()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    port, run = free_port(), tmp_path / "run"
    run.mkdir()
    (run / CONFIRMED).touch()
    config = f'[web]\naddress = "127.0.0.1:{port}"\n{SHORT_SLOTS}'
    with Hive(tmp_path, config, RUNTIME_DIRECTORY=str(run)) as hive:
        site = Site(hive, port).start()
        try:
            found = Place(hive, site)
            asyncio.run(found.enter())
            yield found
        finally:
            site.stop()


def random_request(chance: random.Random, owner: dict[str, str]) -> bytes:
    """A request that is nearly right, or not at all."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randrange(1, 2000)) + b"\r\n\r\n"
    path = "/" + "/".join(chance.choices(WORDS, k=chance.randrange(1, 5)))
    headers = {
        "Host": chance.choice(["localhost"] * 6 + ["evil.example", "", "[", "localhost:99999"]),
        **(owner if chance.random() < 0.5 else {}),
        **({"Range": "bytes=-5,9-2"} if chance.random() < 0.1 else {}),
        **({"Last-Event-ID": "1-1"} if chance.random() < 0.1 else {}),
    }
    return request(path.encode().decode("latin-1"), chance.choice(METHODS), chance.choice(BODIES),
                   **headers)


async def ask_at_random(place: Place) -> Counter[int]:
    """The statuses of many random requests; 0 for a connection that ended without one."""
    found: Counter[int] = Counter()

    async def client(number: int) -> None:
        chance = random.Random(number)
        for _ in range(REQUESTS // CLIENTS):
            reply = await place.send(random_request(chance, place.owner))
            found[int(reply.split(b" ")[1]) if reply.startswith(b"HTTP/") else 0] += 1

    await asyncio.gather(*map(client, range(CLIENTS)))
    return found


async def crowd(place: Place, text: bytes, count: int) -> list[asyncio.StreamWriter]:
    """Connections that stay open after these bytes."""
    found = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", place.site.port)
        writer.write(text)
        found.append(writer)
    return found


async def attack(place: Place) -> None:
    streams = await crowd(place, request("/api/changes", **place.owner), STREAMS)
    slow_body = request("/api/session", "POST", b"x" * 60_000)[:-50_000]
    slow = [*await crowd(place, slow_body, SLOW), *await crowd(place, slow_body[:40], SLOW)]
    assert await place.status("/api/session") == 200
    statuses = await ask_at_random(place)
    assert statuses[500] == 0
    assert {200, 400, 401, 404, 405, 421} <= set(statuses)
    assert sum(statuses.values()) == REQUESTS // CLIENTS * CLIENTS
    for writer in (*streams, *slow):
        writer.transport.abort()
    assert await place.status("/api/status") == 200


def test_a_hive_records_as_before_while_its_page_is_attacked(place: Place) -> None:
    asyncio.run(attack(place))
    assert place.memory() < MOST_MEGABYTES
    assert "Traceback" not in place.said()
    assert len(place.said()) < 64 << 10
    place.hive.wait(place.hive.ask("read sensor.climate")["job"])
    told = place.hive.ask("completeness 12h")
    assert (told["adds_up"], told["unaccounted"]) == (True, [])
    assert told["devices"]["microphone.brood"]["done"] > 0


async def flood(place: Place) -> None:
    for text in FLOODS:
        clients = await crowd(place, text, 200)
        for _ in range(5):
            assert await place.status("/api/session") == 200
        for writer in clients:
            writer.transport.abort()


def test_a_flood_of_requests_takes_no_memory(place: Place) -> None:
    asyncio.run(flood(place))
    assert place.memory() < MOST_MEGABYTES
    assert "Traceback" not in place.said()


def test_there_are_no_more_streams_than_places_for_them(place: Place) -> None:
    async def count() -> int:
        text = request("/api/changes", **place.owner)
        held = await crowd(place, text, MOST_STREAMS)
        status = 200
        while status == 200:  # the last ones may not have begun yet
            reader, writer = await asyncio.open_connection("127.0.0.1", place.site.port)
            writer.write(text)
            status = int((await reader.readline()).split(b" ")[1])
            held.append(writer)
        for writer in held:
            writer.transport.abort()
        return status

    assert asyncio.run(count()) == 503


def test_a_link_in_the_archive_leads_nowhere(place: Place) -> None:
    job = place.hive.ask("record microphone.brood 0.3")["job"]
    assert place.hive.wait(job)["outcome"] == "done"
    path = f"/api/recordings/{job}"
    assert asyncio.run(place.status(path)) == 200
    assert asyncio.run(place.status(path, Range="bytes=0-3")) == 206
    file = place.hive.archive / place.hive.ask(f"job {job}")["recording"]
    kept = file.with_name("kept")
    file.rename(kept)
    file.symlink_to("/etc/passwd")
    assert asyncio.run(place.status(path)) == 404
    file.unlink()
    kept.rename(file)
    folder = file.parent
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    assert asyncio.run(place.status(path)) == 404
