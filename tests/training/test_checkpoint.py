"""The record of the runs that a run began with."""

from training.checkpoint import earlier_runs

STATE = {"step": 20, "elapsed_s": 8.0, "earlier_runs": [{"step": 10, "elapsed_s": 4.0}]}


def test_a_fresh_run_has_no_earlier_ones() -> None:
    assert earlier_runs(STATE, resume=False, warm=False) == []


def test_a_resumed_run_keeps_what_it_began_with() -> None:
    assert earlier_runs(STATE, resume=True, warm=False) == [{"step": 10, "elapsed_s": 4.0}]


def test_a_warm_run_begins_with_the_last_one() -> None:
    expected = [{"step": 10, "elapsed_s": 4.0}, {"step": 20, "elapsed_s": 8.0}]
    assert earlier_runs(STATE, resume=False, warm=True) == expected


def test_a_warm_run_without_a_checkpoint_begins_from_nothing() -> None:
    assert earlier_runs({}, resume=False, warm=True) == []
