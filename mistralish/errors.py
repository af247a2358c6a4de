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


class ForbiddenError(MistralishError):
    """The caller may not do this."""

    status = 403


class NotAllowedError(MistralishError):
    """The thing is in a state in which this cannot be done."""

    status = 403


class LockedError(MistralishError):
    """The service is under maintenance and takes no new work."""

    status = 423


class UnavailableError(MistralishError):
    """The service cannot do this now; trying again later may work."""

    status = 503


class WorkflowError(MistralishError):
    """A running workflow did something that cannot go on; it fails the task or the execution."""

    status = 400
