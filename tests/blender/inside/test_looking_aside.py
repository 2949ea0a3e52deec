"""Silhouettes that are looked at in a thread while somebody works: the same, and of now."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
import pytest
from addon import job_cache, sight, until_changed
from scenes import add_plane, select, update

HOSTS = "oldest and newest"
MOST_READINGS = 20


def silhouettes(scene: Any) -> dict[str, Any]:
    """Return what was read of a scene."""
    return dict(job_cache.last_cached_job(scene).silhouettes)


def read(scene: Any) -> int:
    """Read until all is as it is; return in how many readings."""
    job_cache.cached_job(scene, scene.view_layers[0])
    readings = 0
    while job_cache._wanted:
        assert readings < MOST_READINGS
        job_cache._read()
        readings += 1
        while any(aside.is_looking for aside in job_cache._asides.values()):
            time.sleep(0.01)
    return readings


def looked_at_once(scene: Any) -> dict[str, Any]:
    """Return what is read of a scene without a thread, from nothing."""
    sight.unregister()
    layer = scene.view_layers[0]
    job_cache._looks_aside = False
    found = job_cache._look_at(scene.name, layer.name)
    job_cache._looks_aside = True
    return dict(found.silhouettes)


def are_alike(some: dict[str, Any], others: dict[str, Any]) -> bool:
    return some.keys() == others.keys() and all(
        np.array_equal(some[id_], others[id_]) for id_ in some
    )


@pytest.fixture
def crossing(street: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two regions by what is seen of them, one before the other."""
    monkeypatch.setattr(job_cache, "_looks_aside", True)
    for name, height in (("left", 0.0), ("right", 1.0)):
        obj = bpy.data.objects[name]
        obj.mixdiff.shape, obj.location.z = "silhouette", height
    update()
    yield street
    job_cache._after_load()


def test_what_a_thread_saw_is_what_is_seen_at_once(crossing: Any) -> None:
    assert read(crossing) == 2
    found = silhouettes(crossing)
    assert len(found) == 2
    assert are_alike(found, looked_at_once(crossing))


def test_what_moves_while_it_is_looked_at_is_looked_at_again(
    crossing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(crossing)
    before = silhouettes(crossing)
    may_end, look = threading.Event(), sight.seen_now

    def slow_look(asked: Any) -> Any:
        assert may_end.wait(60)
        return look(asked)

    monkeypatch.setattr(sight, "seen_now", slow_look)
    for by in (0.5, 0.5):
        bpy.data.objects["right"].location.x += by
        update()
        job_cache.cached_job(crossing, crossing.view_layers[0])
        job_cache._read()  # a look begins; till it ends there is what was seen before
        assert are_alike(silhouettes(crossing), before)
        assert not job_cache.seen(crossing, crossing.view_layers[0]).is_current
    may_end.set()
    read(crossing)
    assert not are_alike(silhouettes(crossing), before)
    assert are_alike(silhouettes(crossing), looked_at_once(crossing))


def test_what_is_new_at_each_reading_is_looked_at_once_a_change(crossing: Any) -> None:
    select(bpy.data.objects["left"])
    bpy.ops.object.mode_set(mode="EDIT")
    assert read(crossing) <= 3
    bpy.ops.object.mode_set(mode="OBJECT")


def test_two_scenes_at_once_do_not_wait_for_each_other(crossing: Any) -> None:
    other = crossing.copy()
    for scene in (crossing, other):
        scene.view_layers[0].update()
        job_cache.cached_job(scene, scene.view_layers[0])
    assert len(job_cache._wanted) == 2
    assert read(crossing) <= 4
    assert silhouettes(crossing).keys() == silhouettes(other).keys()


def test_where_nothing_is_kept_a_few_objects_are_read_at_a_time(
    crossing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_cache, "_A_LITTLE_S", 0.0)
    for number in range(10):
        add_plane(f"plane {number}", size=(0.1, 0.1))
    update()
    until_changed._after_change()
    assert read(crossing) >= 4
    assert are_alike(silhouettes(crossing), looked_at_once(crossing))
    bpy.data.objects["plane 1"].location.z = 2  # which is one object's
    update()
    assert read(crossing) == 2


def test_a_reading_holds_blenders_thread_for_a_moment_alone(crossing: Any) -> None:
    for number in range(12):
        bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=0.2)
        ball = bpy.context.object
        ball.location = (number / 6 - 1, number % 3 / 3, 2)
        ball.mixdiff.enabled, ball.mixdiff.shape = True, "silhouette"
    update()
    read(crossing)
    held_ms = []
    for _ in range(5):
        ball.location.x += 0.1
        update()
        job_cache.cached_job(crossing, crossing.view_layers[0])
        longest = 0.0
        while job_cache._wanted:
            start_s = time.thread_time()
            job_cache._read()
            longest = max(longest, time.thread_time() - start_s)
            time.sleep(0.01)
        held_ms.append(longest * 1000)
    assert sorted(held_ms)[2] < 30
