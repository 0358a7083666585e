"""Who may do what, and how somebody becomes the owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.web.backoff import FREE_GUESSES
from beemon.web.passwords import Code, Password
from beemon.web.roles import Role
from tests.web.site import PASSWORD, Browser, options_in, visit


def test_every_route_but_the_page_and_the_log_in_wants_credentials(tmp_path: Path) -> None:
    async def try_all(browser: Browser) -> dict[str, int]:
        found = {}
        for route in browser.site.routes:
            path = route.path.replace("{file:.+}", "icon.svg").replace("{", "").replace("}", "")
            body = {} if route.method != "GET" else None
            found[f"{route.method} {route.path}"] = (
                await browser.ask(route.method, path, body)
            ).status
        return found

    statuses = visit(options_in(tmp_path), try_all)
    free = {
        name for name, status in statuses.items() if status not in (401, 403)
    }
    assert free <= {
        "GET /", "GET /static/{file:.+}", "GET /api/session", "POST /api/session",
        "POST /api/password", "GET /api/openapi.json",
    }
    assert len(statuses) > len(free)


def test_the_router_knows_no_path_but_those_of_the_table(tmp_path: Path) -> None:
    async def registered(browser: Browser) -> set[tuple[str, str]]:
        router = browser.client.server.app.router  # type: ignore[union-attr]
        return {
            (entry.method, entry.resource.canonical) for entry in router.routes()
            if entry.resource is not None and entry.method != "HEAD"
        }

    options = options_in(tmp_path)
    found = visit(options, registered)

    async def listed(browser: Browser) -> set[tuple[str, str]]:
        return {(r.method, r.path.replace("{file:.+}", "{file}")) for r in browser.site.routes}

    assert found == visit(options, listed)


def test_the_code_on_the_device_sets_the_first_password_once(tmp_path: Path) -> None:
    async def set_it(browser: Browser) -> None:
        code = Code(tmp_path).offer()
        assert (tmp_path / "code").stat().st_mode & 0o777 == 0o640
        reply = await browser.ask(
            "POST", "/api/password", {"code": code.lower(), "password": PASSWORD}
        )
        facts = await reply.json()
        assert (reply.status, facts["role"], facts["hive"]) == (200, "owner", "apiary-7")
        assert not (tmp_path / "code").exists()
        again = await browser.ask(
            "POST", "/api/password", {"code": code, "password": "another one"},
            X_Csrf=facts["csrf"],
        )
        assert (again.status, (await again.json())["code"]) == (409, "has-password")

    visit(options_in(tmp_path), set_it)
    assert Password(tmp_path).fits(PASSWORD)
    assert PASSWORD not in (tmp_path / "password").read_text()
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600


def test_wrong_guesses_have_to_wait_longer_and_longer(tmp_path: Path) -> None:
    Password(tmp_path).set(PASSWORD)

    async def guess(browser: Browser) -> list[int]:
        return [
            (await browser.ask("POST", "/api/session", {"password": f"guess {number}"})).status
            for number in range(FREE_GUESSES + 1)
        ] + [(await browser.ask("POST", "/api/session", {"password": PASSWORD})).status]

    assert visit(options_in(tmp_path), guess) == [403] * FREE_GUESSES + [429, 429]


def test_a_viewer_logs_in_with_a_token_until_it_is_revoked(tmp_path: Path) -> None:
    async def enter(browser: Browser) -> list[object]:
        await browser.set_password()
        body = {"name": "family", "role": "viewer"}
        made = await (await browser.ask("POST", "/api/tokens", body)).json()
        viewer = await browser.ask("POST", "/api/session", {"password": f" {made['token']}\n"})
        facts = await viewer.json()
        found = [facts["role"], facts["hive"]]
        for path in ("/api/status", "/api/jobs", "/api/recordings/1", "/api/tokens"):
            found.append((await browser.ask("GET", path)).status)
        browser.csrf = facts["csrf"]
        found.append((await browser.ask("POST", "/api/commands", {"command": "read"})).status)
        assert browser.site.access.tokens.revoke(made["id"])
        found.append((await browser.ask("GET", "/api/status")).status)
        again = await browser.ask("POST", "/api/session", {"password": made["token"]})
        return [*found, again.status]

    assert visit(options_in(tmp_path), enter) == [
        "viewer", "apiary-7", 200, 503, 403, 403, 403, 401, 403,
    ]


def test_who_logs_out_is_nobody_again(tmp_path: Path) -> None:
    async def leave(browser: Browser) -> None:
        await browser.set_password()
        assert (await browser.ask("GET", "/api/status")).status == 200
        assert (await browser.ask("DELETE", "/api/session")).status == 200
        assert (await browser.ask("GET", "/api/status")).status == 401

    visit(options_in(tmp_path), leave)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200), ({"X_Csrf": "guessed"}, 403), ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403), ({"Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
def test_a_change_needs_the_secret_and_comes_from_the_page_itself(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async def change(browser: Browser) -> int:
        await browser.set_password()
        return (await browser.ask("DELETE", "/api/session", **headers)).status

    assert visit(options_in(tmp_path), change) == status


def test_a_form_of_another_site_changes_nothing(tmp_path: Path) -> None:
    Password(tmp_path).set(PASSWORD)

    async def post(browser: Browser) -> int:
        reply = await browser.client.post("/api/session", data={"password": PASSWORD})
        return reply.status

    assert visit(options_in(tmp_path), post) == 403


def test_a_token_has_its_role_until_it_is_revoked(tmp_path: Path) -> None:
    async def show(browser: Browser) -> None:
        token, secret = browser.site.access.tokens.make("grafana", Role.VIEWER)
        bearer = {"Authorization": f"Bearer {secret}"}
        assert (await browser.ask("GET", "/api/status", **bearer)).status == 200
        assert (await browser.ask("GET", "/api/status", Authorization="Bearer x")).status == 401
        assert secret not in (tmp_path / "tokens").read_text()
        assert browser.site.access.tokens.revoke(token.id)
        assert (await browser.ask("GET", "/api/status", **bearer)).status == 401

    visit(options_in(tmp_path), show)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("nothing", "must be an object"), ({}, 'must have "password"'),
        ({"password": 3}, 'must have "password", a text'),
        ({"password": "x", "role": "owner"}, "must be an object with password"),
    ],
)
def test_a_bad_body_is_told(tmp_path: Path, body: object, told: str) -> None:
    async def post(browser: Browser) -> tuple[int, str]:
        reply = await browser.ask("POST", "/api/session", body)
        return reply.status, (await reply.json())["message"]

    status, message = visit(options_in(tmp_path), post)
    assert status == 400
    assert told in message


def test_a_header_of_a_proxy_does_not_replace_the_secret_of_the_session(tmp_path: Path) -> None:
    async def log_out(browser: Browser) -> int:
        await browser.set_password()
        browser.csrf = ""
        return (await browser.ask("DELETE", "/api/session", Authorization="Basic YTpi")).status

    assert visit(options_in(tmp_path), log_out) == 403


@pytest.mark.parametrize("left", ["", " \n", "\xe9", "ABC"])
def test_a_damaged_code_lets_nobody_in(tmp_path: Path, left: str) -> None:
    (tmp_path / "code").write_text(left, "latin-1")

    async def enter(browser: Browser) -> tuple[int, int]:
        (tmp_path / "code").write_text(left, "latin-1")
        wrong = await browser.ask("POST", "/api/password", {"code": left, "password": PASSWORD})
        return wrong.status, (await browser.set_password()).status

    assert visit(options_in(tmp_path), enter) == (403, 200)


@pytest.mark.parametrize("left", [
    "", "[]", "{}", "null", '{"salt": 1, "hash": "", "cost": 2, "block": 8, "lanes": 1}',
    '{"salt": "", "hash": "", "cost": 16384, "block": 8, "lanes": 1}',
    '{"salt": "00", "hash": "00", "cost": 1e400, "block": 8, "lanes": -1}',
])
def test_a_damaged_password_is_told_and_opens_nothing(tmp_path: Path, left: str) -> None:
    async def enter(browser: Browser) -> tuple[int, dict[str, str]]:
        (tmp_path / "password").write_text(left)
        reply = await browser.ask("POST", "/api/session", {"password": PASSWORD})
        return reply.status, await reply.json()

    status, told = visit(options_in(tmp_path), enter)
    assert status in (403, 503)
    assert status == 403 or "sudo beemon page password" in told["message"]


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    async def enter(browser: Browser) -> tuple[int, str]:
        (tmp_path / "password").mkdir()
        reply = await browser.ask("POST", "/api/session", {"password": PASSWORD})
        return reply.status, (await reply.json())["message"]

    status, message = visit(options_in(tmp_path), enter)
    assert status == 503
    assert "Is a directory" in message


@pytest.mark.parametrize("left", ["", "5", "[1]", '[{"id": "1"}]', "\xff", '''[{"id": "1",
    "name": "x", "hash": "y", "role": "king"}]'''])
def test_damaged_tokens_are_told_and_the_owner_may_enter(tmp_path: Path, left: str) -> None:
    (tmp_path / "tokens").write_text(left, "latin-1")

    async def enter(browser: Browser) -> tuple[int, int, int, int]:
        by_token = await browser.ask("GET", "/api/jobs", Authorization="Bearer beemon_x")
        first, listed = await browser.set_password(), await browser.ask("GET", "/api/tokens")
        assert "is damaged" in (await listed.json())["message"]
        (tmp_path / "tokens").unlink()
        again = await browser.ask("GET", "/api/tokens")
        return by_token.status, first.status, listed.status, again.status

    assert visit(options_in(tmp_path), enter) == (503, 200, 503, 200)


def test_half_a_surrogate_pair_is_no_text(tmp_path: Path) -> None:
    async def enter(browser: Browser) -> int:
        await browser.set_password()
        return (await browser.ask("POST", "/api/session", {"password": "\ud800" * 9})).status

    assert visit(options_in(tmp_path), enter) == 400
