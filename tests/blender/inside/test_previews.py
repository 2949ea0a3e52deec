"""Previews of what is made, and how long the main thread is held."""

import base64
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np
import pytest
from addon import (
    EngineNotification,
    Generating,
    Job,
    Stopped,
    engine,
    live_preview,
)
from scenes import in_blender
from timing import median_ms

HOSTS = "oldest and newest"


@pytest.fixture
def gradient(scene: Any, tmp_path: Path) -> Iterator[Any]:
    """An image that is saved as a PNG."""
    rows = np.zeros((32, 64, 4), dtype=np.float32)
    rows[..., 0], rows[..., 3] = np.linspace(0, 1, 64), 1
    image = bpy.data.images.new("gradient", 64, 32)
    image.pixels.foreach_set(rows.ravel())
    image.filepath_raw, image.file_format = str(tmp_path / "gradient.png"), "PNG"
    image.save()
    yield image
    live_preview.unregister()


def as_sent(image: Any) -> str:
    return base64.b64encode(Path(image.filepath_raw).read_bytes()).decode()


def test_a_preview_is_shown_as_it_was_sent_and_leaves_nothing(gradient: Any) -> None:
    before = sorted(item.name for item in bpy.data.images)
    job, next_job = jobs()
    live_preview.show(job, as_sent(gradient))
    shown = live_preview.of(job)
    assert shown.pixels.shape == (32, 64, 4)
    assert np.abs(shown.pixels - in_blender(gradient)[::-1]).max() < 1 / 255
    assert sorted(item.name for item in bpy.data.images) == before
    assert live_preview.of(next_job) is None
    live_preview.show(job, "bm90IGEgcGljdHVyZQ==")
    assert live_preview.of(job) is None


def jobs() -> tuple[Any, Any]:
    job, next_job = (Job(request=None, on_end=lambda _: None) for _ in range(2))
    return job, next_job


def test_a_tick_with_all_that_an_engine_may_send_meanwhile_holds_nothing_up(
    gradient: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [("progress", {"step": n, "steps": 50, "remaining_s": 5.0}) for n in range(50)]
    events += [("preview", {"step": 50, "image": as_sent(gradient)})] * 5
    client = SimpleNamespace(is_running=True, pid=0, events=SimpleQueue())
    job, _ = jobs()
    monkeypatch.setattr(engine.pump, "on_change", [live_preview.refresh])
    state = Generating(client=client, request_id=7, job=job)
    monkeypatch.setattr(engine.session, "state", state)

    def send() -> None:
        for method, params in events:
            client.events.put(EngineNotification(id=7, method=method, params=params))

    send()
    assert median_ms(lambda: (engine._tick(), send())) < 15
    assert engine.session.state.progress.step == 49
    assert live_preview.of(job) is not None
    engine.session.state = Stopped()
    engine.pump.run()
    assert live_preview.of(job) is None
