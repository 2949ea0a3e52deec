"""Jobs that are cancelled or lose their engine: one clear error each, and the next succeeds."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import bpy
import pytest
from addon import Generating, folders, generation, pump, queue, session, state_text, stop, wait

HOSTS = "all"


def begin() -> None:
    generation.begin(bpy.context.scene, bpy.context.evaluated_depsgraph_get())


def until_sampling() -> None:
    end = time.monotonic() + 60
    while not (
        isinstance(session.state, Generating) and session.state.progress.phase == "sampling"
    ):
        assert time.monotonic() < end, session.state
        pump.run(wait_s=0.01)


def end() -> tuple[str | None, str]:
    """Return which error the job ended with, if it was one, and what was said."""
    wait()
    report = generation._last
    return (report.error.kind if report.error else None), report.text


@pytest.fixture
def begin_long(street: Any) -> Callable[[], None]:
    """Begin a job that goes on for as long as nothing ends it; those after it are short."""

    def begin_one() -> None:
        street.mixdiff.scheduler = "ddim"
        street.mixdiff.num_inference_steps = 900
        begin()
        until_sampling()
        street.mixdiff.num_inference_steps = 2

    return begin_one


@pytest.mark.usefixtures("street")
def test_no_engine_outlives_its_session() -> None:
    bpy.ops.mixdiff.generate()
    pid = session.engine_pid
    stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.usefixtures("street")
def test_a_missing_engine_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stop()
    monkeypatch.setenv("MIXDIFF_ENGINE_PYTHON", "/nowhere/python")
    with pytest.raises(RuntimeError, match=r"(?s)MIXDIFF_ENGINE_PYTHON") as raised:
        bpy.ops.mixdiff.generate()
    assert "/nowhere/python" in str(raised.value)


def test_a_second_job_waits_for_the_first_and_gets_a_file_of_its_own(
    begin_long: Callable[[], None],
) -> None:
    begin_long()
    assert bpy.ops.mixdiff.generate.poll()
    begin()
    assert len(queue.waiting) == 1
    assert len({job.request.output for job in (*queue.running, *queue.waiting)}) == 2
    queue.cancel()
    kind, _ = end()
    assert kind is None  # the second one's end


def test_cancel_ends_the_job_and_leaves_the_engine_ready(begin_long: Callable[[], None]) -> None:
    begin_long()
    queue.cancel()
    kind, _ = end()
    assert kind == "cancelled"
    assert state_text(session.state).startswith("Ready")


@pytest.mark.usefixtures("street")
def test_a_picture_whose_scene_is_gone_is_kept_in_its_file() -> None:
    before = len(list(folders.results_folder(bpy.context.scene).glob("*.png")))
    begin()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    kind, said = end()
    assert kind is None
    assert "is gone; its picture is" in said
    assert len(bpy.data.images) == 0
    assert len(list(folders.results_folder(bpy.context.scene).glob("*.png"))) == before + 1


def test_a_killed_engine_is_one_error_with_its_exit_code_and_the_next_job_gets_a_new_one(
    begin_long: Callable[[], None], street: Any
) -> None:
    begin_long()
    os.kill(session.engine_pid, signal.SIGKILL)
    kind, said = end()
    assert kind == "crashed"
    assert "exit code -9" in said
    assert state_text(session.state) == "Failed"
    begin()
    assert end()[0] is None
    assert list(street.mixdiff.result.size) == [128, 64]
