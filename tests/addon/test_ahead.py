"""An engine that is started before any job: it gets ready, gives way, and fails quietly."""

from __future__ import annotations

import pytest

from mixdiff_blender.backend.states import (
    Ahead,
    Generating,
    Preloading,
    Ready,
    Starting,
    Stopped,
    Unloading,
)
from tests.addon.conftest import Run

BUNDLED = Ahead(model=None, is_loaded=True)
LIBRARIES = Ahead(model="owner/name", is_loaded=False)


@pytest.mark.parametrize(("ahead", "has_model"), [(BUNDLED, True), (LIBRARIES, False)])
def test_an_engine_that_is_started_ahead_gets_ready_and_makes_the_first_job(
    run: Run, ahead: Ahead, has_model: bool
) -> None:
    run.session.begin_ahead(ahead)
    assert isinstance(run.state, Starting)
    assert not run.queue.is_busy
    run.until(lambda: isinstance(run.state, Ready))
    assert run.session.has_model is has_model
    assert not run.session.was_used
    run.add("a")
    run.until_done()
    assert (run.kind("a"), run.started) == ("done", 1)
    assert run.session.was_used


def test_nothing_is_started_ahead_where_an_engine_is_there(run: Run) -> None:
    run.add("a")
    run.session.begin_ahead(BUNDLED)
    run.until_done()
    state = run.state
    run.session.begin_ahead(BUNDLED)
    assert run.state is state
    assert run.started == 1


@pytest.mark.parametrize("while_", [Starting, Preloading])
def test_a_job_that_comes_meanwhile_is_made_by_the_same_engine(run: Run, while_: type) -> None:
    run.session.begin_ahead(BUNDLED)
    run.until(lambda: isinstance(run.state, while_))
    job = run.add("a")
    assert run.session.job is job
    run.until_done()
    assert (run.kind("a"), run.started) == ("done", 1)


def test_a_job_that_comes_while_it_preloads_is_sent_at_once(run: Run) -> None:
    run.session.begin_ahead(BUNDLED)
    run.until(lambda: isinstance(run.state, Preloading))
    run.add("a")
    assert isinstance(run.state, Generating)


def test_memory_that_is_asked_for_while_it_preloads_is_given_back(run: Run) -> None:
    run.session.begin_ahead(BUNDLED)
    run.until(lambda: isinstance(run.state, Preloading))
    run.session.unload()
    assert isinstance(run.state, Unloading)
    run.until(lambda: isinstance(run.state, Ready))
    assert not run.session.has_model


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("absent", "is not installed"),
        ("exit@start", "the last words"),
        ("kill@initialize", "ended unexpectedly"),
        ("kill@preload", "ended unexpectedly"),
        ("garbage@preload", "could not be read"),
    ],
)
def test_what_fails_ahead_is_said_quietly_and_the_next_job_starts_another(
    run: Run, fault: str, says: str
) -> None:
    run.faults = [fault]
    run.session.begin_ahead(BUNDLED)
    run.until(lambda: run.session.not_ahead is not None)
    assert says in str(run.session.not_ahead)
    assert isinstance(run.state, Stopped)
    run.add("a")
    assert run.session.not_ahead is None
    run.until_done()
    assert run.kind("a") == "done"


def test_a_preload_that_is_refused_leaves_the_engine_as_it_was(run: Run) -> None:
    run.faults = ["refuse@preload"]
    run.session.begin_ahead(BUNDLED)
    run.until(lambda: isinstance(run.state, Ready))
    assert "out of memory" in str(run.session.not_ahead)
    assert not run.session.has_model
    run.add("a")
    run.until_done()
    assert (run.kind("a"), run.started) == ("done", 1)


def test_a_job_whose_engine_dies_while_it_preloads_fails_like_any_other(run: Run) -> None:
    run.faults = ["silence@preload"]
    run.session.begin_ahead(BUNDLED)
    run.until(lambda: isinstance(run.state, Preloading))
    run.add("a")
    run.queue.cancel()
    run.until_done()
    assert run.kind("a") == "cancelled"
    assert isinstance(run.state, Stopped)
    run.add("b")
    run.until_done()
    assert (run.kind("b"), run.started) == ("done", 2)
