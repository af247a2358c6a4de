"""Errors that a caller can act on. Each knows the HTTP status that tells its kind.

Every message says what was wrong, where, and what would be right. The statuses are those of the
Mistral v2 API.
"""


class MistralishError(Exception):
    """Base of every error that is somebody's to fix; ``status`` is the HTTP status it maps to."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InputError(MistralishError):
    """A value the caller sent is wrong."""

    status = 400


class NotFoundError(MistralishError):
    """The thing the caller named does not exist, or is not theirs to see."""

    status = 404


class ConflictError(MistralishError):
    """The thing to be created exists already."""

    status = 409


class UnauthorizedError(MistralishError):
    """The request does not say, or cannot prove, who makes it. ``challenge``: the answer's WWW-Authenticate."""

    status = 401

    def __init__(self, message: str, challenge: str = "Bearer") -> None:
        super().__init__(message)
        self.challenge = challenge


class ForbiddenError(MistralishError):
    """The caller may not do this."""

    status = 403


class NotAllowedError(MistralishError):
    """The thing is in a state in which this cannot be done."""

    status = 403


class LockedError(MistralishError):
    """The service is under maintenance and takes no new work."""

    status = 423


class TooManyError(MistralishError):
    """The caller has as many of these as they may have at once; trying again later may work."""

    status = 429


class UnavailableError(MistralishError):
    """The service cannot do this now; trying again later may work."""

    status = 503


class DatabaseError(UnavailableError):
    """The database cannot do what it must. ``reason`` is its own word: for logs and commands, not for clients."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message}: {self.reason}"


class WorkflowError(MistralishError):
    """A running workflow did something that cannot go on; it fails the task or the execution."""

    status = 400
