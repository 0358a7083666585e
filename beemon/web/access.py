"""Access: the sender of a request, and logging in and out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from beemon.base.facts import to_json
from beemon.web import safety
from beemon.web.backoff import Backoff
from beemon.web.bodies import read_body
from beemon.web.errors import ApiError, bad_parameter
from beemon.web.hive import Hive
from beemon.web.options import SiteOptions
from beemon.web.passwords import Code, Password, WeakPasswordError
from beemon.web.roles import Role
from beemon.web.routes import Route
from beemon.web.sessions import LASTING_SECONDS, Session, Sessions
from beemon.web.tokens import Tokens

log = logging.getLogger(__name__)

COOKIE = "beemon"


@dataclass(frozen=True)
class SessionFacts:
    """The person that the page is shown to."""

    role: Annotated[str, "`nobody`, `viewer` or `owner`"]
    has_password: Annotated[bool, "whether the owner has set a password"]
    csrf: Annotated[str | None, "the secret that changing requests have to show"] = None
    hive: Annotated[str | None, "the name of the hive"] = None


@dataclass(frozen=True)
class LogIn:
    """The password of a log-in."""

    password: Annotated[str, "the password, or the token of a viewer"]


@dataclass(frozen=True)
class FirstPassword:
    """The first password, with the code that is shown on the device."""

    code: Annotated[str, "the one-time code that `beemon page` shows"]
    password: Annotated[str, "the new password"]


@dataclass(frozen=True)
class Caller:
    """The sender of a request; ``session`` if it is a browser that is logged in."""

    role: Role
    session: Session | None = None
    is_program: bool = False
    """Whether it showed a token, which no browser sends by itself."""


class Access:
    """The password, the sessions and the tokens of one site."""

    def __init__(self, options: SiteOptions) -> None:
        self._options = options
        self._password, self._code = Password(options.state), Code(options.runtime)
        self._sessions, self._backoff = Sessions(), Backoff()
        self.tokens = Tokens(options.state)
        if not self._password.is_set:
            self._code.offer()

    def caller(self, request: web.Request) -> Caller:
        """The sender of this request."""
        if safety.is_unix(request):
            return Caller(Role.OWNER)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return Caller(self.tokens.role_of(token.strip()), is_program=True)
        session = self._sessions.find(request.cookies.get(COOKIE))
        if session is None or not self._counts(session):
            return Caller(Role.NOBODY)
        return Caller(session.role, session)

    def _counts(self, session: Session) -> bool:
        """Whether neither another password has ended a session, nor the revocation of its token."""
        if isinstance(session.proof, str):
            return self.tokens.has(session.proof)
        return session.proof == self._password.version

    def routes(self) -> tuple[Route, ...]:
        """The requests about sessions."""
        path, nobody = "/api/session", Role.NOBODY
        return (
            Route(method="GET", path=path, role=nobody, handler=self._get, reply=SessionFacts,
                  summary="your role, and whether a password is set"),
            Route(method="POST", path=path, role=nobody, handler=self._log_in, body=LogIn,
                  reply=SessionFacts, summary="log in with the password or a token"),
            Route(method="DELETE", path=path, role=Role.VIEWER, handler=self._log_out,
                  reply=SessionFacts, summary="log out"),
            Route(method="POST", path="/api/password", role=nobody, handler=self._set_first,
                  body=FirstPassword, reply=SessionFacts,
                  summary="set the first password with the one-time code, and log in"),
        )

    async def _get(
        self, request: web.Request, _hive: Hive, _role: Role
    ) -> web.StreamResponse:
        if not self._password.is_set:  # also if the owner has deleted it since
            self._code.offer()
        caller = self.caller(request)
        return web.json_response(to_json(self._facts(caller.role, caller.session)))

    async def _log_in(
        self, request: web.Request, hive: Hive, _role: Role
    ) -> web.StreamResponse:
        given = await read_body(request, LogIn)
        if not self._password.is_set:
            raise ApiError(409, "no-password", "no password is set yet",
                           "set one with the code that `beemon page` shows on the device")
        if token := self.tokens.find(given.password.strip()):
            return self._begin(request, token.level, token.id)
        await self._try(request, hive, lambda: self._password.fits(given.password),
                        "wrong-password", "this is neither the password nor a token")
        return self._begin(request, Role.OWNER, self._password.version)

    async def _set_first(
        self, request: web.Request, hive: Hive, _role: Role
    ) -> web.StreamResponse:
        given = await read_body(request, FirstPassword)
        if self._password.is_set:
            raise ApiError(409, "has-password", "a password is set already",
                           "log in with it, or set another: sudo beemon page password")
        await self._try(request, hive, lambda: self._code.fits(given.code),
                        "wrong-code", "the code is wrong")
        try:
            await hive.run(lambda: self._password.set(given.password))
        except WeakPasswordError as error:
            raise bad_parameter(str(error), "choose another") from error
        self._code.withdraw()
        log.info("the first password was set from %s", self._address(request))
        return self._begin(request, Role.OWNER, self._password.version)

    async def _log_out(
        self, request: web.Request, _hive: Hive, _role: Role
    ) -> web.StreamResponse:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = web.json_response(to_json(self._facts(Role.NOBODY, None)))
        response.del_cookie(COOKIE, path=safety.folder_of(request, self._options.public_url))
        return response

    async def _try(self, request: web.Request, hive: Hive, is_right: Callable[[], bool],
                   code: str, message: str) -> None:
        """Raise :class:`ApiError` unless the guess is right and may be made now."""
        address = self._address(request)
        left = self._backoff.seconds_left(address)
        if left > 0:
            raise ApiError(429, "too-many-guesses", "there were too many wrong guesses",
                           f"wait {left:.0f} s", {"Retry-After": f"{int(left) + 1}"})
        self._backoff.enter_wrong(address)  # before the hash: guesses at once count, too
        if not await hive.run(is_right):
            log.warning("a wrong guess came from %s", address)
            raise ApiError(403, code, message, "check it, and try again")
        self._backoff.enter_right(address)

    def _begin(self, request: web.Request, role: Role, proof: int | str) -> web.StreamResponse:
        name, session = self._sessions.begin(role, proof)
        response = web.json_response(to_json(self._facts(session.role, session)))
        response.set_cookie(
            COOKIE, name, max_age=int(LASTING_SECONDS), httponly=True, samesite="Strict",
            path=safety.folder_of(request, self._options.public_url),
            secure=safety.is_secure(request, self._options.trusted_proxies),
        )
        return response

    def _facts(self, role: Role, session: Session | None) -> SessionFacts:
        return SessionFacts(
            role.name.lower(), self._password.is_set, session.csrf if session else None,
            self._options.hive if role >= Role.VIEWER else None,
        )

    def _address(self, request: web.Request) -> str:
        return safety.address_of(request, self._options.trusted_proxies)
