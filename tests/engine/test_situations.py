"""Behaviour promised to users, on made-up hosts: what is found, and what stays quiet.

Bounds leave room for luck: the budget is half an alert per host and week, quiet means at most one. Metrics that are
nothing but rare bursts or restarts exceed it (1.2 to 1.8 measured): their bound is two.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from situations import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    WEEK,
    Alert,
    Host,
    Outcome,
    counter,
    factor,
    fleet,
    levels,
    moments,
    moved,
    nightly,
    plain,
    play,
    sparse,
    weekly,
)

MOST = 0.9  # of the hosts: what "found" means, unless a test says otherwise
QUIET = 1.0  # alerts per host and week
BURSTY = 2.0  # the same where a metric is nothing but bursts


def today(measured: str) -> pytest.MarkDecorator:
    """A promise that is not kept yet, and what is measured instead."""
    return pytest.mark.xfail(strict=True, reason=measured)


@cache
def short_history() -> Outcome:
    """Two quiet days, then an hour of ten deviations."""
    begin = moments(20, 2.0)
    return play(moved(fleet(lambda s: plain(s, 3), 20), begin, HOUR, 10.0), begin, HOUR)


def test_after_two_days_of_history_an_obvious_incident_is_found() -> None:
    assert short_history().found() >= MOST


def test_the_first_days_of_a_host_are_quiet() -> None:
    assert short_history().rate() <= QUIET


SAMPLINGS = {1: (3, 3), 10: (6, 5), 60: (10, 10), 900: (20, 21), 3600: (20, 28)}  # step in seconds: hosts, days


@cache
def sampled(step: int) -> Outcome:
    """Rows at about this step; ten deviations for an hour, for three rows where rows come hourly."""
    hosts, days = SAMPLINGS[step]
    begin, length = moments(hosts, days - 1), max(HOUR, 3.0 * step if step >= HOUR else 0.0)
    quiet = fleet(lambda s: plain(s, days, step, jitter=0.3), hosts, seed=2)
    return play(moved(quiet, begin, length, 10.0), begin, length)


@pytest.mark.parametrize("step", SAMPLINGS)
def test_an_obvious_incident_is_found_at_every_sampling(step: int) -> None:
    assert sampled(step).found() >= 0.8


@pytest.mark.parametrize("step", SAMPLINGS)
def test_quiet_hosts_stay_quiet_at_every_sampling(step: int) -> None:
    outcome = sampled(step)
    weeks = outcome.hosts * outcome.days / 7
    assert len(outcome.others()) <= QUIET * weeks + 2


GAPS = ("a day", "30 % of the rows", "values of one metric", "half a day of one metric")


def torn(kind: str, host: Host) -> Host:
    """The host with something missing; the long gaps are on the eleventh day."""
    t, x = host
    rng = np.random.default_rng(len(t))
    lost = (t >= MONDAY + 10 * DAY) & (t < MONDAY + 11 * DAY)
    if kind == "a day":
        return t[~lost], x[~lost]
    if kind == "30 % of the rows":
        keep = rng.random(len(t)) >= 0.3
        return t[keep], x[keep]
    x = x.copy()
    x[(rng.random(len(t)) < 0.3) if kind == "values of one metric" else lost & (t < MONDAY + 10.5 * DAY), 1] = np.nan
    return t, x


@cache
def with_gaps(kind: str) -> Outcome:
    return play([torn(kind, host) for host in fleet(lambda s: plain(s, 14, d=3), 20, seed=3)])


@pytest.mark.parametrize("kind", GAPS)
def test_hosts_with_gaps_are_quiet(kind: str) -> None:
    assert with_gaps(kind).rate() <= QUIET




@pytest.mark.parametrize("kind", GAPS)
def test_the_end_of_a_gap_is_not_an_alert(kind: str) -> None:
    assert len(with_gaps(kind).others(10, 11.25)) <= 3


@cache
def stuck(alone: bool) -> Outcome:
    """A metric that never moved becomes larger by a tenth on the eleventh day and stays there."""
    begin = moments(10, 10)
    hosts = []
    for i, (t, x) in enumerate(fleet(lambda s: plain(s, 14), 10, seed=4)):
        still = np.where(t >= begin[i], 1.1, 1.0) * 10.0 ** (i % 5)
        hosts.append((t, still[:, None] if alone else np.column_stack([x, still])))
    return play(hosts, begin, HOUR)


@pytest.mark.parametrize("alone", [True, False])
def test_a_constant_metric_that_moves_once_is_found(alone: bool) -> None:
    assert stuck(alone).found() >= MOST


def test_a_lively_metric_that_stands_still_for_three_hours_is_found() -> None:
    begin, hosts = moments(10, 14), []
    for (t, x), start in zip(fleet(lambda s: plain(s, 15), 10, seed=5), begin):
        still = (t >= start) & (t < start + 3 * HOUR)
        hosts.append((t, np.where(still[:, None], x[np.argmax(still)], x)))
    assert play(hosts, begin, 3 * HOUR).found() >= 0.7


@cache
def counters() -> Outcome:
    begin = moments(10, 19)
    return play([counter(600 + i, 21, begin[i]) for i in range(10)], begin, 2 * HOUR)


def test_restarts_of_a_counter_are_quiet_after_three_days() -> None:
    assert counters().rate(after_day=3) <= BURSTY


@today("found at 10 % of the hosts: counts since a restart are taken as levels; take rates before")
def test_a_doubled_rate_of_a_counter_is_found() -> None:
    assert counters().found() >= MOST


def test_a_metric_with_three_levels_is_quiet() -> None:
    assert play(fleet(lambda s: levels(s, 21), 20, seed=7)).rate() <= QUIET


@cache
def mostly_zero() -> Outcome:
    begin = moments(20, 20)
    return play(moved(fleet(lambda s: sparse(s, 21), 20, seed=8), begin, 20 * MINUTE, 100.0), begin, 20 * MINUTE)


def test_rare_small_bursts_of_a_metric_at_zero_are_quiet() -> None:
    assert mostly_zero().rate() <= BURSTY


def test_a_burst_twenty_times_larger_than_usual_is_found() -> None:
    assert mostly_zero().found() >= 0.7  # soon after an alert the raised level may lie beyond what one metric can say


@cache
def shifted() -> Outcome:
    """Six deviations higher from the fifteenth day on; an hour of ten more on the 26th."""
    since, begin = moments(10, 14), moments(10, 25)
    hosts = moved(fleet(lambda s: plain(s, 27), 10, seed=9), since, np.inf, 6.0)
    return play(moved(hosts, begin, HOUR, 10.0), begin, HOUR)


def test_a_level_shift_is_told_once_and_at_most_daily_for_three_days() -> None:
    since = moments(10, 14)
    told = [sum(a.host == i and 0 <= a.told - since[i] <= 3 * DAY for a in shifted().alerts) for i in range(10)]
    assert np.mean(np.array(told) >= 1) >= MOST
    assert np.mean(np.array(told) <= 4) >= MOST
    assert np.mean(told) <= 3


def test_a_level_shift_is_adopted_after_three_days() -> None:
    assert shifted().rate(after_day=17.75) <= QUIET


def test_an_incident_on_the_adopted_level_is_found() -> None:
    assert shifted().found() >= MOST


@cache
def repeated() -> Outcome:
    begin, hosts = moments(10, 14), fleet(lambda s: plain(s, 22), 10, seed=10)
    return play(moved(moved(hosts, begin, HOUR, 10.0), begin + WEEK, HOUR, 10.0), begin, HOUR)


def test_the_same_incident_a_week_later_is_found_again() -> None:
    assert repeated().found() >= MOST
    assert repeated().found(repeated().begin + WEEK) >= MOST


def at_two(outcome: Outcome, first_day: float, last_day: float) -> float:
    """Alerts per host told between 02:00 and 04:00 of these days."""
    hour = [(a.told - MONDAY) % DAY / HOUR for a in outcome.others(first_day, last_day)]
    return sum(2 <= h < 4 for h in hour) / outcome.hosts


def test_a_new_nightly_batch_is_quiet_in_its_second_week() -> None:
    outcome = play(fleet(lambda s: nightly(s, 24, 10), 10, seed=11))
    assert at_two(outcome, 10, 17) >= MOST
    assert at_two(outcome, 17, 24) <= 1


def test_a_weekly_job_makes_at_most_one_alert_each_time() -> None:
    outcome = play(fleet(lambda s: nightly(s, 42, 6, every_s=WEEK), 5, seed=12))
    assert at_two(outcome, 0, 42) <= 6


def test_quiet_saturdays_are_known_after_four_weeks() -> None:
    outcome = play(fleet(lambda s: weekly(s, 42), 10, seed=13))
    saturdays = [a for a in outcome.others(28) if (a.told - MONDAY) % WEEK // DAY == 5]
    assert len(saturdays) <= 2
    assert outcome.rate(after_day=28) <= QUIET


def test_a_slow_drift_makes_no_alerts() -> None:
    hosts = [(t, x + 0.05 * (t - MONDAY)[:, None] / DAY) for t, x in fleet(lambda s: plain(s, 42, 600.0), 10, seed=14)]
    assert play(hosts).rate() <= QUIET


def test_many_metrics_with_one_cause_are_quiet() -> None:
    assert play(fleet(lambda s: factor(s, 21), 10, seed=15)).rate() <= QUIET


@cache
def ten_metrics() -> tuple[Outcome, np.ndarray]:
    """All ten metrics move by three deviations for a quarter of an hour; before, one of them for single rows."""
    begin, rng = moments(10, 7), np.random.default_rng(16)
    single = MONDAY + 2 * DAY + MINUTE * rng.choice(7000, size=(20, 10), replace=False)
    hosts = fleet(lambda s: plain(s, 8, MINUTE, d=10), 10, seed=16)
    for when in single:
        hosts = moved(hosts, when, MINUTE, 3.0)
    return play(moved(hosts, begin, 15 * MINUTE, 3.0, d=10), begin, 15 * MINUTE), single


def test_a_small_move_of_ten_independent_metrics_at_once_is_found() -> None:
    assert ten_metrics()[0].found() >= MOST


def test_a_small_move_of_one_metric_of_ten_in_one_row_is_not_an_alert() -> None:
    outcome, single = ten_metrics()
    waits = [a.told - single[:, a.host] for a in outcome.others()]
    soon = [((wait >= 0) & (wait <= 5 * MINUTE)).any() for wait in waits]
    assert sum(soon) <= 0.03 * single.size
    assert outcome.rate() <= QUIET


def test_the_return_to_normal_is_not_a_second_alert() -> None:
    begin = moments(20, 14)
    outcome = play(moved(fleet(lambda s: plain(s, 15), 20, seed=17), begin, 3 * HOUR, 8.0), begin, 3 * HOUR)
    told = [sum(a.host == i and 0 <= a.told - begin[i] <= 9 * HOUR for a in outcome.alerts) for i in range(20)]
    assert outcome.found() >= MOST
    assert sum(n > 1 for n in told) <= 2


@cache
def two_good_metrics() -> tuple[tuple[Host, ...], Outcome]:
    begin = moments(8, 10)
    hosts = moved(fleet(lambda s: plain(s, 14, d=2), 8, seed=18), begin, HOUR, 10.0)
    return tuple(hosts), play(hosts, begin, HOUR)


def test_a_metric_without_values_changes_nothing() -> None:
    hosts, outcome = two_good_metrics()
    wider = [(t, np.column_stack([x[:, :1], np.full(len(t), np.nan), x[:, 1:]])) for t, x in hosts]
    assert outcome.alerts
    assert play(wider).alerts == outcome.alerts


def test_another_unit_gives_the_same_alerts() -> None:
    hosts, outcome = two_good_metrics()
    assert outcome.alerts
    assert play([(t, x * 1000.0 + 5.0) for t, x in hosts]).alerts == outcome.alerts


def test_alerts_are_counted_for_the_incident_or_beside_it() -> None:
    """The measuring itself: an alert during the incident finds it, one before it and one long after it do not."""
    begin = np.array([MONDAY + DAY, MONDAY + DAY])
    told = [Alert(0, at, at, at) for at in (MONDAY, begin[0] + 60, begin[0] + HOUR * 2, begin[0] + DAY)]
    outcome = Outcome(tuple(told), 2, 7.0, begin, HOUR)
    assert outcome.found() == 0.5
    assert [a.told for a in outcome.others()] == [MONDAY, begin[0] + DAY]
    assert outcome.rate() == 1.0 and outcome.rate(after_day=1.5) == pytest.approx(0.5 * 7 / 5.5)
