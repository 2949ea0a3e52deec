"""Live: what is made again by itself, what it gives way to, and that it leaves nothing behind."""

import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from addon import (
    Generating,
    engine,
    folders,
    generation,
    history,
    job_cache,
    live,
    live_looks,
    measured,
    queue,
    read_job,
    session,
)
from scenes import add_plane, update

HOSTS = "oldest and newest"
LONG = 900  # steps


class Person:
    """Somebody who works on a scene while Live is on."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.live = live.live
        self.pictures: list[Any] = []
        """All that were over the view, one after the other."""

    def move(self, by: float = 0.25) -> None:
        """Move a region by whole cells of the canvas."""
        bpy.data.objects["left"].location.x += by
        update()

    def wait_until(self, holds: Callable[[], Any], seconds: float = 150) -> None:
        """Let Blender's timers and the pump go on, which without a window nobody moves."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, (self.live.text, self.live.state)
            self.go_on()

    def go_on(self) -> None:
        if job_cache._wanted:
            job_cache._read()
        engine.pump.run(wait_s=0.02)
        picture = self.live.picture
        if picture is not None and picture not in self.pictures:
            self.pictures.append(picture)

    @property
    def is_shown(self) -> bool:
        """Whether a picture of the scene as it is is over the view."""
        return self.live.is_fresh and not job_cache._wanted and self.live.making is None

    @property
    def is_whole(self) -> bool:
        """Whether that is the picture itself."""
        return self.is_shown and self.live.picture.look.is_full

    def begin_long(self) -> None:
        """Have the picture made in so many steps that it takes long, and wait for the first."""
        self.wait_until(lambda: self.is_whole)
        self.scene.mixdiff.num_inference_steps = LONG
        self.wait_until(lambda: self.live.making is not None and self.live.making.is_full)
        self.wait_until(
            lambda: isinstance(session.state, Generating) and session.state.progress.step
        )


def job_folders() -> list[Path]:
    return list(folders.session_folder().glob("job-*"))


def folders_left() -> list[Path]:
    """Return the folders of jobs but for that of the picture that may be kept as it is."""
    held = live.live._held
    return [folder for folder in job_folders() if held is None or folder != held.folder]


def children() -> list[str]:
    """Return the processes that this one has started and that are not gone."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]


@pytest.fixture
def person(street: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Person]:
    """Live is on before two regions; the whole picture comes soon."""
    monkeypatch.setattr(live, "FULL_AFTER_S", 0.4)
    # Or there would be no reason for a quick one of so little.
    monkeypatch.setattr(live_looks, "QUICK_S", 0.0)
    monkeypatch.setattr(live_looks, "_OF_NATIVE", 0.0)
    monkeypatch.setattr(live, "MOST_S", 1e6)
    street.mixdiff.seed = None
    monkeypatch.setattr(measured, "_file", lambda: tmp_path / "measured.json")  # of none yet
    measured._all.cache_clear()
    assert bpy.ops.mixdiff.live() == {"FINISHED"}
    yield Person(street)
    live.live.stop()
    end = time.monotonic() + 30
    while (live.live.is_active or queue.running) and time.monotonic() < end:
        engine.pump.run(wait_s=0.02)
    measured._all.cache_clear()
    job_cache._after_load()


def test_it_is_off_until_it_is_switched_on_and_off_again_in_another_file(street: Any) -> None:
    assert not live.live.is_on(street)
    bpy.ops.mixdiff.live()
    assert live.live.is_on(bpy.context.scene)
    bpy.ops.mixdiff.live()
    assert not live.live.is_on(bpy.context.scene)
    bpy.ops.mixdiff.live()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not live.live.is_on(bpy.context.scene)
    assert not live.live.is_active


def test_a_change_brings_a_quick_look_and_then_the_picture_itself_and_no_result(
    person: Person,
) -> None:
    before = job_folders()
    person.wait_until(lambda: person.is_whole)
    assert len(job_folders()) == len(before) + 1
    person.move()
    person.wait_until(lambda: len(person.pictures) > 2 and person.is_whole)
    assert [picture.look.is_full for picture in person.pictures] == [False, True] * 2
    quick, full, quick_then, full_then = (picture.pixels for picture in person.pictures)
    # What the model takes is known from the second on.
    assert [one.shape for one in (quick, quick_then)] == [(32, 64, 4), (16, 32, 4)]
    assert full.shape == (64, 128, 4)
    assert (full != full_then).any()
    assert not len(person.scene.mixdiff.history)
    assert person.scene.mixdiff.result is None
    assert folders_left() == before
    person.live.stop()
    assert job_folders() == before
    assert [image.name for image in bpy.data.images] == []


def test_what_changes_no_job_makes_nothing_again(person: Person) -> None:
    person.wait_until(lambda: person.is_whole)
    shown = person.live.picture
    bpy.data.objects["left"].select_set(True)
    bpy.data.objects["left"].show_name = True
    update()
    person.wait_until(lambda: person.is_shown and not job_cache._stale)
    for _ in range(20):
        person.go_on()
    assert person.live.picture is shown


def test_the_next_change_ends_what_is_made_within_a_step(person: Person) -> None:
    person.begin_long()
    pid, step = session.engine_pid, session.state.progress.step
    person.scene.mixdiff.num_inference_steps = 2
    person.wait_until(lambda: len(person.pictures) > 3 and person.is_whole)
    assert step < LONG / 2
    assert person.live.picture.look.job.num_inference_steps == 2
    assert session.engine_pid == pid


def test_fifty_quick_changes_leave_one_engine_and_nothing_else(person: Person) -> None:
    person.wait_until(lambda: person.is_shown)
    before, folders_before, pid = children(), folders_left(), session.engine_pid
    most = 0
    for number in range(50):
        person.move(0.25 if number % 2 else -0.25)
        end = time.monotonic() + (0.3 if number % 5 == 0 else 0.03)
        while time.monotonic() < end:
            person.go_on()
            most = max(most, len(queue.running) + len(queue.waiting))
    person.wait_until(lambda: person.is_whole)
    assert most <= 1
    assert (children(), session.engine_pid) == (before, pid)
    assert folders_left() == folders_before
    assert (queue.running, queue.waiting) == ((), ())


def test_what_somebody_asks_for_goes_before_and_is_the_picture_that_was_seen(
    person: Person,
) -> None:
    person.wait_until(lambda: person.is_whole)
    seen = person.live.picture.pixels
    person.move()
    person.wait_until(lambda: person.live.making is not None)
    person.move(-0.25)
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}  # which waits for it
    result = person.scene.mixdiff.result
    pixels = np.empty(seen.size, dtype=np.float32)
    result.pixels.foreach_get(pixels)
    assert np.abs(pixels.reshape(seen.shape) - seen).max() < 1 / 255
    assert len(person.scene.mixdiff.history) == 1
    person.wait_until(lambda: person.is_shown)


def made_again(person: Person, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Press Keep, and return the jobs that were sent for it."""
    sent: list[Any] = []
    add = type(queue).add

    def noted(self: Any, request: Any, on_end: Any) -> Any:
        if not request.gives_way:
            sent.append(request)
        return add(self, request, on_end)

    monkeypatch.setattr(type(queue), "add", noted)
    assert bpy.ops.mixdiff.generate() == {"FINISHED"}
    return sent


def test_the_whole_picture_is_kept_at_once_just_as_generate_would_make_it(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = bpy.data.objects["left"]
    left.mixdiff.shape = "silhouette"  # whose mask lies beside the result
    left.location.z = 0.1  # so that one of the two is in front
    update()
    person.wait_until(lambda: person.is_whole)
    folder = person.live._held.folder
    assert made_again(person, monkeypatch) == []
    person.wait_until(lambda: person.is_shown)
    assert person.is_whole
    shutil.rmtree(folder)  # without its file it is painted
    assert len(made_again(person, monkeypatch)) == 1
    kept, painted = (history.path_of(entry) for entry in person.scene.mixdiff.history)
    assert read_job(kept) == read_job(painted)
    first, second = person.scene.mixdiff.history
    assert (first.job, first.view) == (second.job, second.view)
    sources = re.findall(r"sources/[^\"]+", first.job)
    assert sources
    assert all((kept.parent / source).is_file() for source in sources)
    assert (live.pixels_of_file(kept) == live.pixels_of_file(painted)).all()


def test_another_file_leaves_nothing_of_the_whole_picture(person: Person) -> None:
    person.wait_until(lambda: person.is_whole)
    folder = person.live._held.folder
    assert folder.exists()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert not folder.exists()
    assert not person.live.is_active


def test_a_quick_look_is_painted_in_full_when_it_is_kept(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FULL_AFTER_S", 1e6)
    person.wait_until(lambda: person.is_shown)
    assert not person.is_whole
    assert len(made_again(person, monkeypatch)) == 1
    assert tuple(person.scene.mixdiff.result.size) == (128, 64)


def test_another_seed_gives_another_picture(person: Person) -> None:
    person.wait_until(lambda: person.is_whole)
    seen = person.live.picture.pixels
    bpy.ops.mixdiff.other_live()
    assert not person.live.is_fresh
    person.wait_until(lambda: person.is_whole)
    assert (person.live.picture.pixels != seen).any()
    person.scene.mixdiff.seed = 7
    assert not bpy.ops.mixdiff.other_live.poll()


def test_it_says_why_it_waits_and_goes_on_when_that_is_over(person: Person) -> None:
    person.wait_until(lambda: person.is_shown)
    left, right = (bpy.data.objects[name] for name in ("left", "right"))
    left.mixdiff.enabled = right.mixdiff.enabled = False
    person.wait_until(lambda: "nothing to paint yet" in person.live.text)
    left.mixdiff.enabled = True
    person.wait_until(lambda: person.is_whole)
    assert len(person.live.picture.look.job.text_regions) == 1


def test_cancel_switches_it_off_and_says_nothing(person: Person) -> None:
    person.begin_long()
    bpy.ops.mixdiff.cancel()
    person.wait_until(lambda: not person.live.is_on(person.scene))
    assert person.live.says == ""


def test_what_takes_long_is_shown_small_alone_and_the_time_is_said(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.wait_until(lambda: person.is_whole)  # so that its time is known
    monkeypatch.setattr(live, "MOST_S", 0.0)
    count = len(person.pictures)
    person.move()
    person.wait_until(lambda: len(person.pictures) > count and person.is_shown)
    for _ in range(60):
        person.go_on()
    assert person.is_shown
    assert not person.live.picture.look.is_full
    assert "the full size takes about" in person.live.text


def test_the_engine_is_not_ended_by_a_step_that_takes_long(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cancelled job of somebody's would: a model would have to be loaded again."""
    person.wait_until(lambda: person.is_shown)
    graces: list[Any] = []
    cancel = type(session.client).cancel

    def noted(client: Any, id_: int, *, grace_s: float | None = None) -> None:
        graces.append(grace_s)
        cancel(client, id_, grace_s=grace_s)

    monkeypatch.setattr(type(session.client), "cancel", noted)
    person.scene.mixdiff.num_inference_steps = LONG
    person.wait_until(lambda: isinstance(session.state, Generating))
    person.move()
    person.wait_until(lambda: len(graces) == 1)
    assert graces == [None]
    person.scene.mixdiff.num_inference_steps = 2
    person.wait_until(lambda: person.is_whole)


def test_a_control_that_is_drawn_from_the_scene_follows_what_is_no_region(street: Any) -> None:
    """The job is the same, and its picture another one."""
    street.mixdiff.controls.add().kind = "depth"
    box = add_plane("no region", size=(0.5, 0.5), at=(0, 0, 1))
    update()
    layer = street.view_layers[0]

    def read() -> Any:
        job_cache.cached_job(street, layer)
        if job_cache._wanted:
            job_cache._read()
        return job_cache.last_cached_job(street)

    before = read()
    box.location.z = 2
    update()
    after = read()
    assert after.job == before.job
    assert after is not before
    box.show_name = True
    update()
    assert read() is after
    job_cache._after_load()


def test_an_engine_that_dies_switches_it_off_and_says_so(person: Person) -> None:
    person.begin_long()
    os.kill(session.engine_pid, signal.SIGKILL)
    person.wait_until(lambda: not person.live.is_on(person.scene))
    assert "ended unexpectedly" in person.live.says
    assert generation.last_report(person.scene) is None
    bpy.ops.mixdiff.live()
    assert person.live.says == ""
