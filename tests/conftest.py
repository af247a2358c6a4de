"""What all tests share. In CI (``MISTRALISH_CI=1``) everything must run there: a skipped test has failed."""

import os
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import pytest
from services import new_postgresql_database

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


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL database that this test session has to itself, empty at its start."""
    with new_postgresql_database() as url:
        yield url
