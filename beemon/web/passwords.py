"""Password: the owner's, kept as a hash of scrypt, and the one-time code until there is one."""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import secrets
import threading
from pathlib import Path

from beemon.base.replacing import replace_file

LEAST_LENGTH, MOST_LENGTH = 8, 256
COST, BLOCK, LANES = 2**14, 8, 1
"""The parameters of scrypt (RFC 7914): 16 MiB of memory for each hash."""
_MEMORY = 64 << 20
_CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that can be mistaken for another
CODE_LENGTH = 10


class WeakPasswordError(ValueError):
    """The password is too short or too long."""


class DamagedError(OSError):
    """A file of secrets is not as the page wrote it; nobody gets in by it."""

    def __init__(self, file: Path, remedy: str) -> None:
        super().__init__(errno.EBADMSG, f"its file {file.name!r} is damaged; {remedy}", str(file))


class Password:
    """The password in a folder that its process alone may read.

    One hash is computed at a time, so that guesses cannot use up the memory.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "password"
        self._turn = threading.Lock()

    @property
    def version(self) -> int:
        """A number that changes with the password; 0 if there is none. Raises ``OSError``."""
        try:
            return self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    @property
    def is_set(self) -> bool:
        """Whether the owner has chosen one. Raises ``OSError``."""
        return self.version != 0

    def set(self, password: str) -> None:
        """Replace it. Raises :class:`WeakPasswordError` and ``OSError``."""
        if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
            raise WeakPasswordError(f"a password has {LEAST_LENGTH} to {MOST_LENGTH} characters")
        salt = secrets.token_bytes(16)
        replace_file(self._file, json.dumps({
            "salt": salt.hex(), "hash": self._hash(password, salt, (COST, BLOCK, LANES)).hex(),
            "cost": COST, "block": BLOCK, "lanes": LANES,
        }).encode())

    def fits(self, password: str) -> bool:
        """Whether it is this one. Raises ``OSError``; :class:`DamagedError` for a damaged file."""
        try:
            kept = json.loads(self._file.read_text("ascii"))
            costs = kept["cost"], kept["block"], kept["lanes"]
            found = self._hash(password, bytes.fromhex(kept["salt"]), costs)
            return hmac.compare_digest(found, bytes.fromhex(kept["hash"]))
        except (ValueError, LookupError, TypeError, OverflowError) as error:
            raise DamagedError(self._file, "sudo beemon page password") from error

    def _hash(self, password: str, salt: bytes, costs: tuple[int, int, int]) -> bytes:
        cost, block, lanes = costs
        with self._turn:
            return hashlib.scrypt(
                password.encode(), salt=salt, n=cost, r=block, p=lanes, maxmem=_MEMORY
            )


class Code:
    """The one-time code that lets its reader set the first password.

    Its file is for the group ``beemon``, whose members are at the device.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / "code"

    def offer(self) -> str:
        """The present code; a new one if there is none. Raises ``OSError``."""
        try:
            code = self.file.read_text("ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            code = ""
        if len(code) != CODE_LENGTH:  # an empty one would let everybody in
            code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(CODE_LENGTH))
            replace_file(self.file, code.encode(), mode=0o640)
        return code

    def fits(self, code: str) -> bool:
        """Whether it is the present one. Raises ``OSError``."""
        if not self.file.exists():
            return False
        given = code.strip().upper().encode("utf-8", "replace")
        return hmac.compare_digest(given, self.offer().encode())

    def withdraw(self) -> None:
        """It was used. Raises ``OSError``."""
        self.file.unlink(missing_ok=True)
