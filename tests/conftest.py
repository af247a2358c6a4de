"""What all tests share. In CI (``MISTRALISH_CI=1``) everything must run there: a skipped test has failed."""

import logging
import os
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import planted
import pytest
from services import new_postgresql_database

from mistralish.logs import TextFormatter

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _failed_when_skipped_in_ci(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _failed_when_skipped_in_ci(report)


def _failed_when_skipped_in_ci(report: Report) -> Report:
    if os.environ.get("MISTRALISH_CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where everything must be there: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: Any) -> str:
    return longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(scope="session", autouse=True)
def _no_log_has_a_planted_secret(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the tests themselves log, as the service would write it, and the logs of all services are searched."""
    log = tmp_path_factory.mktemp("logs") / "tests.log"
    planted.watch(log)
    handler = logging.FileHandler(log)
    handler.setFormatter(TextFormatter())
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    handler.close()
    found = planted.found_in_logs()
    assert not found, f"planted secrets are in the logs {', '.join(map(str, found))}"


@pytest.fixture(scope="session", autouse=True)
def _services_leave_no_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Who names no data directory gets one that is thrown away: SSH hosts of one run are not known in the next."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL database that this test session has to itself, empty at its start."""
    with new_postgresql_database() as url:
        yield url
