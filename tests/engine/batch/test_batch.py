"""`python -m engine batch` on this machine: jobs, seeds, and what is there already."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from engine.batch.tasks import Part, numbers, tasks_of
from engine.contract.errors import EngineError, JobError
from engine.contract.png import read_job
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, text_region
from tests.engine.test_cli import CHECKOUT, engine

TOWER = text_region(0, 64, 0, 64, "a tower")
OPTIONS = ("--device", "cpu", "--dtype", "float32", "--json")

ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def one_thread(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", *map(str, arguments)],
        cwd=CHECKOUT,
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def write_job(path: Path, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(canvas(64, 64, TOWER, model=str(TINY_SD), **more)))
    return path


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_variants_count_on_from_the_jobs_seed_and_chance_comes_of_the_job(tmp_path: Path) -> None:
    job = write_job(tmp_path / "a.json")
    outputs = [task.output.name for task in tasks_of([job], tmp_path / "o", variants=3)]
    assert outputs == ["a-5.png", "a-6.png", "a-7.png"]
    free = write_job(tmp_path / "b.json", seed=None)
    first, second = (tasks_of([free], tmp_path / "o", variants=2) for _ in range(2))
    assert first == second
    assert first[0].job.seed != 5


def test_parts_make_all_pictures_once(tmp_path: Path) -> None:
    tasks = tasks_of([write_job(tmp_path / "a.json")], tmp_path / "o", seeds=range(10))
    parts = [task for k in (1, 2, 3) for task in Part(number=k, of=3).of_all(tasks)]
    assert sorted(task.output for task in parts) == sorted(task.output for task in tasks)


def test_seeds_are_read_as_people_write_them() -> None:
    assert numbers("1-3, 9") == (1, 2, 3, 9)
    for wrong in ("", "a", "3-", "5-1"):
        with pytest.raises(ValueError, match="give"):
            numbers(wrong)


def test_all_that_is_wrong_of_all_jobs_is_said_at_once(tmp_path: Path) -> None:
    one = write_job(tmp_path / "one.json", num_inference_steps=0)
    two = write_job(tmp_path / "two.json", scheduler="none such")
    with pytest.raises(JobError) as caught:
        tasks_of([one, two], tmp_path / "o")
    assert "one.json: num_inference_steps" in str(caught.value)
    assert "two.json: scheduler" in str(caught.value)


def test_names_that_are_taken_are_refused(tmp_path: Path) -> None:
    one, two = write_job(tmp_path / "x" / "a.json"), write_job(tmp_path / "y" / "a.json", seed=6)
    with pytest.raises(EngineError, match=r"two pictures would be called a\.png"):
        tasks_of([one, two], tmp_path / "o")
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "a.png").write_bytes(b"somebody's")
    with pytest.raises(EngineError, match="is not of this job"):
        tasks_of([one], tmp_path / "o")


def test_a_batch_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (tmp_path / "jobs").mkdir()
    Image.fromarray(photo).save(tmp_path / "jobs" / "photo.webp")
    image = {**TOWER, "type": "image2image", "reference_image": "photo.webp", "strength": 0.3}
    image.pop("prompt")
    job = canvas(64, 64, TOWER, image, model=str(TINY_SD), num_inference_steps=8)
    (tmp_path / "jobs" / "a.json").write_text(json.dumps(job))
    out = tmp_path / "out"
    command = ["batch", tmp_path / "jobs", "--seeds", "1-6", "-o", out, *OPTIONS]
    begun = subprocess.Popen(
        [sys.executable, "-m", "engine", *map(str, command)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ONE_THREAD},
    )
    assert begun.stdout is not None
    for line in begun.stdout:
        if "made" in json.loads(line):
            break
    whole = psutil.Process(begun.pid)
    for process in (whole, *whole.children(recursive=True)):
        assert not [one for one in process.net_connections() if one.status == "LISTEN"]
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    time.sleep(2)  # the worker ends with it
    kept = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert 1 <= len(kept) < 6
    again = one_thread(*command)
    assert again.returncode == 0, again.stderr
    assert lines(again.stdout)[-1]["all"] == {"pictures": 6, "made": 6 - len(kept), "failed": 0}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(out.iterdir())) == 6
    one = out / "a-3.png"
    alone = tmp_path / "alone" / "a-3.png"
    assert one_thread("generate", one, "-o", alone).returncode == 0
    assert np.array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(alone)))
    assert read_job(alone)["seed"] == 3


def test_a_job_whose_picture_is_no_picture_fails_and_the_rest_is_made(tmp_path: Path) -> None:
    write_job(tmp_path / "jobs" / "good.json")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    image = {**TOWER, "type": "image2image", "reference_image": "../broken.png"}
    image.pop("prompt")
    document = canvas(64, 64, image, model=str(TINY_SD))
    (tmp_path / "jobs" / "bad.json").write_text(json.dumps(document))
    done = one_thread("batch", tmp_path / "jobs", "-o", tmp_path / "out", *OPTIONS)
    assert done.returncode in (1, 2)
    said = done.stdout + done.stderr
    assert "broken.png" in said


def test_a_sheet_shows_all_pictures_and_not_itself(tmp_path: Path) -> None:
    for number, colour in enumerate(("red", "green", "blue", "white", "yellow")):
        Image.new("RGB", (640, 320), colour).save(tmp_path / f"{number}.png")
    sheet = tmp_path / "sheet.png"
    for _ in range(2):
        assert engine("sheet", tmp_path, "-o", sheet, "--columns", 3).returncode == 0
        picture = Image.open(sheet)
        assert picture.size == (3 * 264 + 8, 2 * (128 + 24) + 8)
        assert picture.getpixel((100, 50)) == (255, 0, 0)
