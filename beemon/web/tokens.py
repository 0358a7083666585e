"""Tokens: the secrets of programs, in the place of a password. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from beemon.base.replacing import replace_file
from beemon.web.passwords import DamagedError
from beemon.web.roles import Role

MOST = 100
PREFIX = "beemon_"


@dataclass(frozen=True)
class Token:
    """One token, without its secret."""

    id: str
    name: str
    role: str
    hash: str

    @property
    def level(self) -> Role:
        """Its role."""
        return Role[self.role.upper()]


class Tokens:
    """The tokens in a folder that their process alone may read."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "tokens"
        self._turn = threading.Lock()
        self._kept: dict[str, Token] = {}
        self._version: object = None

    @property
    def _all(self) -> dict[str, Token]:
        """The tokens by their hash, as they are in the file: others change it as well.

        A file that cannot be read is tried again the next time.
        """
        version = self._look()
        if version != self._version:
            self._kept, self._version = self._load(), version
        return self._kept

    def _look(self) -> object:
        """A value that differs when the file has changed; never None."""
        try:
            state = self._file.stat()
        except FileNotFoundError:
            return ()
        return state.st_mtime_ns, state.st_ino

    def all(self) -> list[Token]:
        """Every token, in the order of their making. Raises ``OSError``."""
        return list(self._all.values())

    def role_of(self, secret: str) -> Role:
        """The role of a program with this secret. Raises ``OSError``."""
        found = self.find(secret)
        return found.level if found else Role.NOBODY

    def find(self, secret: str) -> Token | None:
        """The token of this secret. Raises ``OSError``."""
        return self._all.get(_hash(secret)) if secret.startswith(PREFIX) else None

    def has(self, name: str) -> bool:
        """Whether there is a token of this id. Raises ``OSError``."""
        return any(token.id == name for token in self._all.values())

    def make(self, name: str, role: Role) -> tuple[Token, str]:
        """A new token and its secret, which cannot be shown again. Raises ``OSError``."""
        secret = PREFIX + secrets.token_urlsafe(32)
        token = Token(secrets.token_hex(4), name, role.name.lower(), _hash(secret))
        with self._turn:
            self._keep({**self._all, token.hash: token})
        return token, secret

    def revoke(self, name: str) -> bool:
        """Whether there was a token of this id; it counts no more. Raises ``OSError``."""
        with self._turn:
            left = {key: token for key, token in self._all.items() if token.id != name}
            if len(left) == len(self._all):
                return False
            self._keep(left)
        return True

    def _load(self) -> dict[str, Token]:
        try:
            kept = json.loads(self._file.read_text("utf-8"))
            found = {entry["hash"]: Token(**entry) for entry in kept}
            for token in found.values():
                Role[token.role.upper()]
        except FileNotFoundError:
            return {}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise DamagedError(self._file, f"sudo rm {self._file}, and make new tokens") from error
        return found

    def _keep(self, tokens: dict[str, Token]) -> None:
        replace_file(self._file, json.dumps([asdict(token) for token in tokens.values()]).encode())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
