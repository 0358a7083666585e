"""The tokens of programs: list them, make one, revoke one. A secret is shown once."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web

from beemon.base.values import value_class
from beemon.web import tokens
from beemon.web.bodies import read_body
from beemon.web.errors import ApiError, bad_parameter, not_found
from beemon.web.hive import Hive
from beemon.web.parameters import Asked
from beemon.web.roles import Role
from beemon.web.routes import Parameter, Route
from beemon.web.sending import send
from beemon.web.tokens import Token, Tokens

_LONGEST_NAME = 60  # characters
_ID = Parameter(
    name="id", summary="the id of a token", required=True, in_path=True,
    schema={"type": "string", "pattern": "^[0-9a-f]{1,32}$"},
)


@value_class
class TokenFacts:
    """A token of a program."""

    id: Annotated[str, "its id"]
    name: Annotated[str, "its name"]
    role: Annotated[Literal["viewer", "owner"], "its role"]


@value_class
class TokenList:
    """The tokens of programs."""

    tokens: Annotated[tuple[TokenFacts, ...], "the oldest first"]


@value_class
class NewToken:
    """A token to make."""

    name: Annotated[str, "its name, for example that of the program: 1 to 60 characters"]
    role: Annotated[Literal["viewer", "owner"], "its role"]


@value_class
class MadeToken:
    """A new token."""

    id: Annotated[str, "its id"]
    name: Annotated[str, "its name"]
    role: Annotated[Literal["viewer", "owner"], "its role"]
    token: Annotated[str, "its secret, for `Authorization: Bearer`; it is not shown again"]


class Programs:
    """The requests about the tokens of one site."""

    def __init__(self, store: Tokens) -> None:
        self._store = store

    def routes(self) -> tuple[Route, ...]:
        """The routes."""
        path, owner = "/api/tokens", Role.OWNER
        return (
            Route(method="GET", path=path, role=owner, handler=self._list, reply=TokenList,
                  summary="the tokens of programs"),
            Route(method="POST", path=path, role=owner, handler=self._make, body=NewToken,
                  reply=MadeToken, summary="make a token; the reply shows its secret, once"),
            Route(method="DELETE", path=f"{path}/{{id}}", role=owner, handler=self._revoke,
                  parameters=(_ID,), reply=TokenList, summary="revoke a token"),
        )

    async def _list(self, request: web.Request, _hive: Hive, role: Role) -> web.StreamResponse:
        Asked(request)
        return send(role, self._all())

    async def _make(self, request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
        Asked(request)
        given = await read_body(request, NewToken)
        if given.role not in ("viewer", "owner"):
            raise bad_parameter('"role" must be "viewer" or "owner"')
        if not (0 < len(given.name) <= _LONGEST_NAME and given.name.isprintable()):
            raise bad_parameter(f'"name" must have 1 to {_LONGEST_NAME} printable characters')
        if len(self._store.all()) >= tokens.MOST:
            raise ApiError(409, "too-many", f"there are {tokens.MOST} tokens already",
                           "revoke one that nobody uses")
        made, secret = await hive.run(
            lambda: self._store.make(given.name, Role[given.role.upper()])
        )
        return send(role, MadeToken(made.id, made.name, given.role, secret))

    async def _revoke(self, request: web.Request, hive: Hive, role: Role) -> web.StreamResponse:
        wanted = Asked(request, _ID).text(_ID)
        if not await hive.run(lambda: self._store.revoke(wanted)):
            raise not_found("there is no such token")
        return send(role, self._all())

    def _all(self) -> TokenList:
        return TokenList(tuple(map(_facts, self._store.all())))


def _facts(token: Token) -> TokenFacts:
    return TokenFacts(token.id, token.name, "owner" if token.role == "owner" else "viewer")
