"""Services that are killed and come back, and callers that ask them until they get an answer."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests
from processes import ServiceProcess

ASK_SECONDS = 180
_BUSY = (429, 503)


class Fleet:
    """So many services on one database. ``outages`` are the times (seconds since 1970) in which one was not there."""

    def __init__(self, folder: Path, database_url: str, size: int, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._url = database_url
        self._settings = settings
        self.outages: list[tuple[float, float]] = []
        self.kills = self.restarts = 0
        self.services = [self._new(place) for place in range(size)]
        try:
            for service in self.services:
                service.wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def kill(self, place: int) -> float:
        """End a service without any warning; returns when."""
        at = time.time()
        self.services[place].kill()
        self.kills += 1
        return at

    def begin(self, place: int) -> None:
        """Start a service again."""
        self.services[place] = self._new(place)

    def await_answer(self, place: int, since: float) -> None:
        """Wait until a service answers that was not there ``since``."""
        self.services[place].wait_until_it_answers()
        self.outages.append((since, time.time()))

    def stop(self) -> None:
        """Stop them all as an administrator would."""
        for service in self.services:
            service.terminate()

    def was_quiet(self, begun: float, ended: float, margin: float) -> bool:
        """Whether all services were there from ``margin`` seconds before ``begun`` until as much after ``ended``."""
        return all(back < begun - margin or gone > ended + margin for gone, back in self.outages)

    @property
    def said(self) -> str:
        """What the services have logged."""
        return "".join(log.read_text() for log in sorted(self._folder.glob("service-*.log")))

    def _new(self, place: int) -> ServiceProcess:
        return ServiceProcess(self._folder, f"service-{place}", self._url, self._settings)


class Client:
    """A caller that asks again until it knows. ``acknowledged`` counts, by kind, what it was told has been done."""

    def __init__(self, fleet: Fleet, seed: str) -> None:
        self._fleet = fleet
        self.random = random.Random(seed)
        self.acknowledged: Counter[str] = Counter()

    def ask(self, method: str, path: str, **options: Any) -> tuple[requests.Response, bool]:
        """Return the first answer of any service, and whether an earlier request may have been carried out."""
        end = time.monotonic() + ASK_SECONDS
        again = False
        while True:
            service = self.random.choice(self._fleet.services)
            try:
                response = service.rest.call(method, path, **options)
                if response.status_code not in _BUSY:
                    return response, again
            except requests.RequestException:
                pass
            again = True
            assert time.monotonic() < end, f"nobody answers {method} {path} for {ASK_SECONDS} s"
            time.sleep(0.05)

    def done(self, kind: str, method: str, path: str, body: Any = None, also: tuple[int, ...] = ()) -> Any:
        """Have something done, and note the acknowledgement; ``also`` are statuses that say it was done before.

        These count only where an earlier request may have done it. Returns the answer's JSON.
        """
        options = {"data": body, "headers": {"Content-Type": "text/plain"}} if isinstance(body, str) else {"json": body}
        response, again = self.ask(method, path, **options)
        good = response.ok or (again and response.status_code in also)
        assert good, f"{method} {path}: {response.status_code} {response.text[:500]}"
        self.acknowledged[kind] += response.ok
        return response.json() if response.content else None

    def may(self, kind: str, method: str, path: str, body: Any) -> bool:
        """Have something done, and note the acknowledgement; False where it is refused (400)."""
        response, _ = self.ask(method, path, json=body)
        assert response.ok or response.status_code == 400, (
            f"{method} {path}: {response.status_code} {response.text[:500]}"
        )
        self.acknowledged[kind] += response.ok
        return response.ok

    def get(self, path: str) -> Any:
        """Return an answer's JSON, None where there is no such thing."""
        response, _ = self.ask("GET", path)
        assert response.status_code in (200, 404), f"GET {path}: {response.status_code} {response.text[:500]}"
        return response.json() if response.status_code == 200 else None
