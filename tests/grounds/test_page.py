"""The page as the package installs it, under a real systemd on Debian 12 and 13."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.package import apt, install
from tests.grounds.tree import furnished

pytestmark = [pytest.mark.ground("container"), pytest.mark.timeout(600)]

ASK = """
import http.client, json, socket, ssl, sys
place, method, path, body, headers = json.loads(sys.argv[1])
secure = place.startswith("https")
host, port = place.rpartition("/")[2].split(":") if "://" in place else ("localhost", "80")
if secure:
    connection = http.client.HTTPSConnection(
        host, int(port), context=ssl._create_unverified_context(), timeout=30)
else:
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
if "://" not in place:
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(place)
connection.request(method, path, json.dumps(body) if body else None,
                   {"Content-Type": "application/json", **headers})
reply = connection.getresponse()
print(json.dumps([reply.status, reply.read().decode(errors="replace"), dict(reply.getheaders())]))
"""
FLOOD = """
import socket, urllib.request
HOST = b" HTTP/1.1\\r\\nHost: localhost\\r\\n"
FLOODS = [b"GET " + at + HOST + b"\\r\\n" for at in (b"/static/charts.js", b"/api/openapi.json")]
FLOODS = [one * 4000 for one in FLOODS]
FLOODS.append(b"GET /" + HOST + b"X: x\\r\\n" * 40000)
FLOODS.append(b"POST /api/session" + HOST + b"Content-Length: 99999\\r\\n\\r\\n" + b"x" * 99990)
for text in FLOODS:
    crowd = []
    for _ in range(300):
        client = socket.create_connection(("127.0.0.1", 8081))
        client.setblocking(False)
        client.send(text)
        crowd.append(client)
    for _ in range(5):
        assert urllib.request.urlopen("http://127.0.0.1:8081/api/session", timeout=20).status == 200
    for client in crowd:
        client.close()
"""
LOCAL, UNIX = "http://127.0.0.1:8081", "/run/beemon-web.socket"


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def machine(request: pytest.FixtureRequest) -> Iterator[Container]:
    with Container(furnished(request.param)) as booted:
        install(booted, recommends=False)
        yield booted


def ask(
    machine: Container, path: str, place: str = LOCAL, method: str = "GET", body: object = None,
    **headers: str,
) -> tuple[int, Any, dict[str, str]]:
    """A reply of the page: its status, its JSON (or text), its headers."""
    request = json.dumps([place, method, path, body, headers])
    status, text, told = json.loads(machine.run("python3", "-c", ASK, request).stdout)
    return status, json.loads(text) if text.startswith("{") else text, told


def state_of(machine: Container, unit: str) -> str:
    return machine.run("systemctl", "is-active", unit, check=False).stdout.strip()


def test_it_costs_nothing_until_somebody_looks(machine: Container) -> None:
    assert state_of(machine, "beemon-web.socket") == "active"
    assert state_of(machine, "beemon-web.service") == "inactive"
    status, page, _ = ask(machine, "/")
    assert (status, "<!doctype html>" in page.lower()) == (200, True)
    assert state_of(machine, "beemon-web.service") == "active"


def test_its_sandbox_is_tight(machine: Container) -> None:
    said = machine.run("systemd-analyze", "security", "--no-pager", "beemon-web.service").stdout
    found = re.search(r"exposure level for beemon-web.service: ([0-9.]+)", said)
    assert found, said
    assert float(found[1]) <= 1.3


def test_the_uplink_starts_with_its_first_destinations_in_a_tight_sandbox(
    machine: Container,
) -> None:
    assert state_of(machine, "beemon-uplink.service") == "inactive"
    said = machine.run("systemd-analyze", "security", "--no-pager", "beemon-uplink.service").stdout
    found = re.search(r"exposure level for beemon-uplink.service: ([0-9.]+)", said)
    assert found, said
    assert float(found[1]) <= 1.3
    machine.shell("umask 027; echo json://127.0.0.1:9/hook > /etc/beemon/alerts;"
                  "chgrp beemon /etc/beemon/alerts")
    tables = (
        '[influx]\nurl = "http://127.0.0.1:9/write"\n'
        '[alerts]\nurls_file = "/etc/beemon/alerts"\n'
    )
    machine.run("tee", "/etc/beemon/conf.d/90-uplink.toml", input=tables)
    until(lambda: state_of(machine, "beemon-uplink.service") == "active")
    machine.run("systemctl", "reload", "beemon")
    machine.run("beemon", "read", "--wait")
    status = until(lambda: ask(machine, "/api/status", UNIX)[1]["status"].get("uplink"))
    until(lambda: "influx" in machine.run("beemon", "status").stdout)
    assert status["destinations"]["influx"]["state"] in ("starting", "in-trouble", "working")


def test_alerts_work_in_the_sandbox_and_name_the_package_that_is_missing(
    machine: Container,
) -> None:
    until(lambda: told_by_uplink(machine).get("alerts", {}).get("state") == "working")
    assert "sudo apt install apprise" in told_by_uplink(machine)["alerts"]["note"]


def test_the_uplink_ends_with_its_last_destination(machine: Container) -> None:
    machine.shell("rm /etc/beemon/conf.d/90-uplink.toml /etc/beemon/alerts")
    until(lambda: state_of(machine, "beemon-uplink.service") == "inactive")


def told_by_uplink(machine: Container) -> dict[str, Any]:
    """The uplink's own words on each destination."""
    read = machine.run("cat", "/run/beemon-uplink/state.json", check=False)
    if read.returncode != 0:  # it is written once the destinations are made
        return {}
    found: dict[str, Any] = json.loads(read.stdout)["destinations"]
    return found


def test_its_user_reads_the_archive_and_writes_none_of_it(machine: Container) -> None:
    until(lambda: ask(machine, "/api/status", UNIX)[1]["status"]["state"] == "healthy")
    as_page = ["runuser", "-u", "beemon-web", "-g", "beemon", "--"]
    machine.run(*as_page, "test", "-r", "/var/lib/beemon/ledger.db")
    for path in ("/var/lib/beemon/new", "/etc/beemon/conf.d/new.toml"):
        assert machine.run(*as_page, "touch", path, check=False).returncode != 0


def test_everything_of_a_hive_is_seen_from_within_the_sandbox(machine: Container) -> None:
    machine.run("beemon", "setup", "--yes", "--simulated", timeout=120)
    jobs = {}
    for command in ("read", "record microphone.brood 2", "record camera.entrance 2"):
        status, sent, _ = ask(machine, "/api/commands", UNIX, "POST", {"command": command})
        assert status == 202, sent
        jobs[command.partition(" ")[2].partition(" ")[0]] = sent["job"]
    for job in jobs.values():
        until(lambda job=job: ask(machine, f"/api/jobs/{job}", UNIX)[1].get("outcome"))
    sound, video = jobs["microphone.brood"], jobs["camera.entrance"]
    day = machine.run("date", "+%F").stdout.strip()
    for path, kind in (
        (f"/api/recordings/{sound}", "audio/flac"), (f"/api/recordings/{video}", "video/mp4"),
        (f"/api/recordings/{video}/picture", "image/jpeg"),
        (f"/api/sound/microphone.brood/{day}.png", "image/png"),
        (f"/api/recordings?device=microphone.brood&day={day}", "application/json"),
        ("/api/readings", "application/json"), ("/api/openapi.json", "application/json"),
        ("/api/calendar", "application/json"), ("/api/findings", "application/json"),
        ("/metrics", "text/plain"), ("/api/export/completeness.csv", "text/csv"),
    ):
        status, told, headers = ask(machine, path, UNIX)
        assert (status, headers["Content-Type"].partition(";")[0]) == (200, kind), told
    restarts = machine.run("systemctl", "show", "beemon-web", "-p", "NRestarts").stdout
    assert restarts.strip() == "NRestarts=0"  # its memory suffices
    assert len(machine.run("ls", "/var/cache/beemon-web/stills").stdout.split()) == 1


def test_floods_of_requests_fit_into_its_memory(machine: Container) -> None:
    assert ask(machine, "/api/session")[0] == 200
    before = machine.run("systemctl", "show", "beemon-web", "-p", "MainPID", "-p", "NRestarts")
    machine.run("python3", "-c", FLOOD, timeout=120)
    now = machine.run("systemctl", "show", "beemon-web", "-p", "MainPID", "-p", "NRestarts")
    assert now.stdout == before.stdout
    said = machine.run("journalctl", "-u", "beemon-web", "--no-pager").stdout
    assert "Traceback" not in said


def test_the_code_on_the_device_makes_its_reader_the_owner(machine: Container) -> None:
    said = machine.run("beemon", "page").stdout
    link = re.search(r"http://127\.0\.0\.1:8081/#code=(\S+)", said)
    assert link, said
    assert ask(machine, "/api/status")[0] == 401
    first = {"code": link[1], "password": "a hive in the rain"}
    status, facts, headers = ask(machine, "/api/password", method="POST", body=first)
    assert (status, facts["role"]) == (200, "owner")
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ask(machine, "/api/status", Cookie=cookie.partition(";")[0])[0] == 200
    assert "#code" not in machine.run("beemon", "page").stdout


def test_it_is_opened_to_the_network_and_closed_again(machine: Container) -> None:
    said = machine.run("beemon", "page", "open", "127.0.0.1:8443").stdout
    assert re.search(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", said), said
    assert ask(machine, "/api/session", "https://127.0.0.1:8443")[0] == 200
    key = machine.run("stat", "-c", "%U %a", "/var/lib/beemon-web/page.key").stdout.split()
    assert key == ["beemon-web", "600"]
    machine.run("beemon", "page", "close")
    assert ask(machine, "/api/session")[0] == 200


def test_its_death_does_not_touch_the_recordings(machine: Container) -> None:
    before = machine.run("systemctl", "show", "beemon", "-p", "NRestarts", "-p", "MainPID").stdout
    machine.run("systemctl", "kill", "--signal=KILL", "beemon-web.service")
    until(lambda: ask(machine, "/api/session")[0] == 200)
    now = machine.run("systemctl", "show", "beemon", "-p", "NRestarts", "-p", "MainPID").stdout
    assert now == before


def test_purge_leaves_no_password_behind(machine: Container) -> None:
    apt(machine, "purge beemon")
    assert machine.run("test", "-e", "/var/lib/beemon-web", check=False).returncode != 0
    assert state_of(machine, "beemon-web.socket") == "inactive"
