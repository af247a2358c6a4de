"""The publisher ``webhook``: an event as JSON, by POST."""

from typing import Any

from mistralish.actions.deadline import Deadline
from mistralish.actions.egress import EgressPolicy

_CONNECT_AND_READ_SECONDS = (3, 10)
_ALL_SECONDS = 15


class Webhook:
    """Delivers to where the egress policy allows. Redirects are not followed, and what is answered is not read."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    def publish(
        self, ctx: Any, ex_id: str, data: dict[str, Any], event: str, timestamp: str, url: str, headers: Any = None,
        **_: Any,
    ) -> None:  # fmt: skip
        """POST an event to ``url``. Raises OSError where it is not taken with 200 or 201; its text is safe to log."""
        # Slow to import, and most services start without needing it at once.
        from mistralish.actions.web import WebSession, too_late, without_secrets

        with Deadline(_ALL_SECONDS) as deadline:
            try:
                with (
                    WebSession(self._policy, deadline, follows_redirects=False) as session,
                    session.post(
                        url,
                        json=data,
                        headers=headers or {},
                        timeout=_CONNECT_AND_READ_SECONDS,
                        allow_redirects=False,
                        stream=True,
                    ) as answer,
                ):
                    status = answer.status_code
            except Exception as error:
                reason = too_late(deadline) if deadline.has_passed else str(error)
                raise OSError(without_secrets(reason, str(url))) from None
        if status not in (200, 201):
            raise OSError(without_secrets(f"{url} answered {status}", str(url)))
