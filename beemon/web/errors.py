"""Errors: each refusal of the HTTP API, with its message and its remedy."""

from __future__ import annotations


class ApiError(Exception):
    """A request that cannot be answered: the HTTP status, and a code, a message and a remedy."""

    def __init__(
        self, status: int, code: str, message: str, remedy: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.remedy = status, code, message, remedy
        self.headers = headers or {}

    def as_json(self) -> dict[str, str]:
        """The body of the reply."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy}


def bad_parameter(message: str, remedy: str = "") -> ApiError:
    """A parameter or a body that is wrong."""
    return ApiError(400, "bad-parameter", message, remedy)


def not_found(message: str, remedy: str = "") -> ApiError:
    """Something that the archive does not have."""
    return ApiError(404, "not-found", message, remedy)
