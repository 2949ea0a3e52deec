"""LoRAs from a job's file to its PNG and back: moved, gone, changed, from a hub, in a batch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.batch.content import sent_model, with_content
from engine.batch.tasks import tasks_of
from engine.cli import main
from engine.contract.errors import JobError
from engine.contract.job import to_document
from engine.contract.png import read_job
from engine.families.loading import load_model
from engine.runtime.devices import choose_device
from tests.engine.conftest import TINY_SD
from tests.engine.model_hub import ModelHub
from tests.engine.runs import canvas, text_region
from tests.engine.test_hub import Shop
from tests.engine.tiny_loras import layers_of, write

ATTENTION = r"to_[qkv]$"


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return load_model(str(TINY_SD), choose_device("cpu", "float32"))._pipeline


@pytest.fixture
def ink(tmp_path: Path, pipeline: Any) -> Path:
    return write(
        tmp_path / "loras" / "ink.safetensors", layers_of(pipeline, ("unet",), ATTENTION, 1)
    )


def write_job(path: Path, *loras: dict[str, Any], **more: Any) -> Path:
    region = text_region(0, 64, 0, 64, "a tower", name="Tower", loras=list(loras))
    path.write_text(json.dumps(canvas(64, 64, region, model=str(TINY_SD), **more)))
    return path


def generate(*words: object) -> int:
    return main(["generate", *map(str, words), "--quiet", "--device", "cpu", "--dtype", "float32"])


def pixels(path: Path) -> Any:
    return np.asarray(Image.open(path))


def test_a_png_repeats_itself_elsewhere_with_the_file_known_by_its_content(
    ink: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_job(tmp_path / "job.json", {"lora": "loras/ink.safetensors", "weight": 0.8})
    plain, first = tmp_path / "plain.png", tmp_path / "out" / "first.png"
    assert generate(write_job(tmp_path / "plain.json"), "-o", plain) == 0
    assert generate(job, "-o", first) == 0
    assert not np.array_equal(pixels(first), pixels(plain))
    (noted,) = read_job(first)["regions"][0]["loras"]
    digest = hashlib.sha256(ink.read_bytes()).hexdigest()
    assert noted == {"lora": "../loras/ink.safetensors", "weight": 0.8, "sha256": digest}
    assert generate(first, "-o", tmp_path / "again.png") == 0
    assert np.array_equal(pixels(tmp_path / "again.png"), pixels(first))

    # On another machine the file lies beside the picture.
    other = tmp_path / "other"
    other.mkdir()
    moved, lora = first.rename(other / "first.png"), ink.rename(other / "ink.safetensors")
    assert generate(moved, "-o", other / "again.png") == 0
    assert np.array_equal(pixels(other / "again.png"), pixels(moved))

    capsys.readouterr()
    lora.unlink()
    assert generate(moved, "-o", other / "more.png") != 0
    said = capsys.readouterr().err
    assert "regions[0].loras[0].lora" in said
    assert f"there is no file '../loras/ink.safetensors' (sha256 {digest[:12]}…)" in said
    assert not (other / "more.png").exists()


def test_a_file_that_is_another_by_now_is_not_taken_for_the_first(
    ink: Path, tmp_path: Path, pipeline: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made.png"
    assert generate(write_job(tmp_path / "job.json", {"lora": str(ink)}), "-o", made) == 0
    write(ink, layers_of(pipeline, ("unet",), ATTENTION, 2))
    assert generate(made, "-o", tmp_path / "again.png") != 0
    assert "is not the file that the picture was made with" in capsys.readouterr().err


def test_the_command_line_adds_loras(
    ink: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = write_job(tmp_path / "job.json", {"lora": str(ink), "weight": 0.5})
    monkeypatch.chdir(ink.parent)
    output = tmp_path / "a.png"
    assert generate(job, "-o", output, "--lora", "ink.safetensors:0.25") == 0
    document = read_job(output)
    assert [one["weight"] for one in document["loras"]] == [0.25]
    assert document["regions"][0]["loras"][0]["weight"] == 0.5
    both = write_job(tmp_path / "both.json", {"lora": str(ink), "weight": 0.75})
    assert generate(both, "-o", tmp_path / "b.png") == 0
    assert np.array_equal(pixels(output), pixels(tmp_path / "b.png"))


@pytest.fixture
def shop(tmp_path: Path, ink: Path) -> Any:
    hub = ModelHub({"README.md": b"a card", "ink.safetensors": ink.read_bytes()})
    hub.start()
    yield Shop(hub, tmp_path)
    hub.stop()


def test_a_lora_of_the_hub_is_fetched_when_asked_and_used_offline(
    shop: Shop, tmp_path: Path
) -> None:
    job = write_job(tmp_path / "job.json", {"lora": "owner/name"}, num_inference_steps=1)
    words = ("generate", str(job), "--output", str(tmp_path / "o.png"), "--device", "cpu")
    done = shop.engine(*words)
    assert done.returncode != 0
    assert "python -m engine download owner/name" in done.stderr
    assert shop.hub.served == [], "a job fetches nothing by itself"

    done = shop.engine("download", "owner/name", "--json")
    assert done.returncode == 0, done.stderr
    assert "ink.safetensors" in done.stdout.splitlines()[-1]
    assert set(shop.hub.served) == {"ink.safetensors"}
    offline = {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": "http://127.0.0.1:1"}
    assert shop.engine(*words, **offline).returncode == 0
    (noted,) = read_job(tmp_path / "o.png")["regions"][0]["loras"]
    assert noted["lora"] == "owner/name"
    assert len(noted["sha256"]) == 64


def test_of_several_files_on_the_hub_one_is_to_be_named(shop: Shop) -> None:
    shop.hub.files["wash.safetensors"] = shop.hub.files["ink.safetensors"]
    said = shop.refused("download", "owner/name")
    assert "holds several files" in said
    assert "owner/name/FILE" in said
    assert "has no file 'chalk.safetensors'" in shop.refused(
        "download", "owner/name/chalk.safetensors"
    )
    assert shop.engine("download", "owner/name/wash.safetensors").returncode == 0
    assert list(shop.cache.rglob("wash.safetensors"))
    assert not list(shop.cache.rglob("ink.safetensors"))


def test_a_batch_knows_its_pictures_by_the_content_of_their_loras(
    ink: Path, tmp_path: Path, pipeline: Any
) -> None:
    job = write_job(tmp_path / "job.json", {"lora": "loras/ink.safetensors"})
    goal = tmp_path / "out"
    words = ["batch", str(job), "--output", str(goal), "--device", "cpu", "--dtype", "float32"]
    assert main(words) == 0
    (task,) = tasks_of([job], goal)
    assert task.is_made
    write(ink, layers_of(pipeline, ("unet",), ATTENTION, 2))
    with pytest.raises(Exception, match="is there and is not of this job"):
        tasks_of([job], goal)
    ink.unlink()
    with pytest.raises(JobError, match="there is no file"):
        tasks_of([job], tmp_path / "more")
    assert tasks_of([job], tmp_path / "more", is_model_here=False)


def test_another_machine_is_asked_for_loras_by_their_paths_and_their_content(
    ink: Path, tmp_path: Path
) -> None:
    job = write_job(
        tmp_path / "job.json", {"lora": "loras/ink.safetensors"}, loras=[{"lora": "o/n"}]
    )
    with pytest.raises(JobError, match="o/n is not on this computer"):
        tasks_of([job], tmp_path / "out")
    (task,) = tasks_of([job], tmp_path / "out", is_model_here=False)
    task.folder.mkdir()
    sent = sent_model(task.job, task.folder)
    document = with_content(to_document(task.job), {}, tmp_path, sent)
    assert document["regions"][0]["loras"][0]["lora"] == str(ink.resolve())
    assert document["loras"][0]["lora"] == "o/n"
