"""Jobs that travel with their pictures, to machines that must be alike."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.batch import cluster, content
from engine.batch.cluster import ClusterEngine, RemoteEngine
from engine.batch.content import content_of, fingerprint, sent_model
from engine.batch.local import WorkerProcess
from engine.batch.tasks import BatchTask
from engine.contract.errors import EngineError, ModelError
from engine.contract.limits import Limits
from engine.contract.png import read_job as job_of_png
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, read_job, text_region

TOWER = text_region(0, 64, 0, 64, "a tower")


def a_task(folder: Path, name: str = "made.png") -> BatchTask:
    photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(photo).save(folder / "photo.webp")
    Image.fromarray(photo[..., 0]).save(folder / "mask.png")
    image = {**TOWER, "type": "image2image", "reference_image": "photo.webp", "strength": 0.3}
    image.pop("prompt")
    tower = {**TOWER, "mask": "mask.png"}
    document = canvas(64, 64, tower, image, model=str(TINY_SD), num_inference_steps=2)
    return BatchTask(job=read_job(document), output=folder / name)


def far(task: BatchTask, data: Mapping[str, bytes], model: Any) -> tuple[Any, ...]:
    engine = ClusterEngine("cpu", "float32", asdict(Limits()))
    *_, end = engine._made(1, task.document, data, model)
    return end


def test_pictures_that_only_the_asking_machine_has_travel_along(tmp_path: Path) -> None:
    asking = tmp_path / "asking"
    asking.mkdir()
    task = a_task(asking)
    data = {name: held for name, (_, held) in content_of(task.job, asking).items()}
    assert set(data) == {"photo.webp", "mask.png"}
    model = sent_model(task.job, asking)
    shutil.rmtree(asking)
    kind, picture, steps, account = far(task, data, model)
    assert (kind, steps, account["problems"]) == ("made", {}, [])
    (tmp_path / "made.png").write_bytes(picture)
    assert job_of_png(tmp_path / "made.png") == task.document


@pytest.mark.slow
def test_two_workers_of_a_kind_make_the_same_bytes(tmp_path: Path) -> None:
    hello = {"device": "cpu", "dtype": "float32", "limits": asdict(Limits())}
    made = []
    for name in ("one", "two"):
        worker = WorkerProcess(name, hello, {"OMP_NUM_THREADS": "1"})
        task = a_task(tmp_path, f"{name}.png")
        worker.make(task, lambda *_: None)
        worker.close()
        made.append(task.output.read_bytes())
    assert made[0] == made[1]


def test_a_model_of_the_same_name_with_other_files_is_refused(tmp_path: Path) -> None:
    task = a_task(tmp_path)
    there = tmp_path / "tiny-sd"
    shutil.copytree(TINY_SD, there)
    before = fingerprint(str(there), tmp_path)
    assert before == fingerprint(str(TINY_SD), tmp_path)
    with (there / "unet" / "config.json").open("a") as config:
        config.write(" ")
    content._fingerprint.cache_clear()
    assert fingerprint(str(there), tmp_path) != before
    sent = sent_model(replace(task.job, model=str(TINY_SD)), tmp_path)
    data = {name: held for name, (_, held) in content_of(task.job, tmp_path).items()}
    with pytest.raises(ModelError, match="is not the one that the job was sent with"):
        far(task, data, type(sent)(name=str(there), fingerprint=sent.fingerprint))


def test_machines_with_other_versions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster._require_same(cluster.versions())
    with pytest.raises(EngineError, match=r"has torch 1\.0 instead of") as caught:
        cluster._require_same({**cluster.versions(), "torch": "1.0"})
    assert caught.value.kind == "environment"
    assert "same versions on all" in caught.value.advice


def test_a_disk_that_cannot_be_written_is_said_as_that(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    task = BatchTask(job=a_task(tmp_path).job, output=tmp_path / "file" / "made.png")
    remote = object.__new__(RemoteEngine)
    remote._number, remote._cancelled = 1, 0
    with pytest.raises(EngineError) as caught:
        remote._written(task, b"picture", {}, {"problems": [], "timings_s": {}})
    assert caught.value.kind == "output"
