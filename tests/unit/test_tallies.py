"""Counts: each value in its place, and never more places than there are routes."""

from mistralish.tallies import Histogram, RequestTally


def test_a_value_counts_at_the_first_bound_that_it_does_not_exceed() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 7.0):
        histogram.add(value)
    assert (histogram.counts, histogram.total) == ([2, 2, 1], 12.0)


def test_requests_count_by_route_method_and_status() -> None:
    tally = RequestTally()
    tally.add("/v2/x", "GET", 200, 0.1)
    tally.add("/v2/x", "GET", 404, 0.1)
    tally.add("/v2/x", "GET", 200, 0.1)
    assert tally.statuses == {("/v2/x", "GET", 200): 2, ("/v2/x", "GET", 404): 1}
    assert sum(tally.seconds["/v2/x", "GET"].counts) == 3


def test_made_up_methods_are_one() -> None:
    tally = RequestTally()
    for number in range(100):
        tally.add("none", f"METHOD{number}", 405, 0.0)
    assert tally.statuses == {("none", "other", 405): 100}
