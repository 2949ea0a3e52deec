"""Memory is planned before anything is loaded, said, and kept to by what runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import model_keeper
from engine.cli import main
from engine.contract.errors import EngineError
from engine.contract.memory import Work
from engine.contract.png import read_run
from engine.families.base import Model
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime import devices
from engine.runtime.devices import choose_device
from engine.sampling.events import MemoryPlanned
from tests.contract.machines import machine
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, text_region

CPU = choose_device("cpu", "float32")
JOB = canvas(64, 96, text_region(0, 64, 0, 96, "a tower"), scheduler="ddim", model=str(TINY_SD))


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(JOB))
    return path


def small(monkeypatch: pytest.MonkeyPatch, host_gib: float) -> None:
    """Have this computer be one with so much memory, 8 GB of it taken."""
    here = replace(machine(host_gib=host_gib, kind="cpu"), dtype="float32")
    for module in (devices, model_keeper):
        monkeypatch.setattr(module, "machine_of", lambda _: here)


def test_what_a_picture_takes_is_said_before_it_is_loaded(tmp_path: Path) -> None:
    request = RunRequest(document=JOB, folder=tmp_path, output=tmp_path / "a.png")
    events = run(request, ModelKeeper(device=CPU))
    said = next(event for event in events if isinstance(event, MemoryPlanned))
    assert said.text.endswith("GB free")


def test_a_picture_that_fits_in_no_way_never_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 8.5)
    monkeypatch.setattr(model_keeper, "load_model", lambda *_: pytest.fail("it was loaded"))
    request = RunRequest(document=JOB, folder=tmp_path, output=tmp_path / "a.png")
    with pytest.raises(EngineError, match=r"needs .* GB at the least on cpu") as caught:
        list(run(request, ModelKeeper(device=CPU)))
    assert caught.value.kind == "memory"
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_says_it_before_and_without_making_a_picture(
    job_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert main(["validate", str(job_file)]) == 0
    assert "memory" not in capsys.readouterr().out
    assert main(["validate", "--memory", str(job_file)]) == 0
    assert "\nmemory: " in capsys.readouterr().out
    output = str(tmp_path / "a.png")
    assert main(["generate", str(job_file), "-o", output, "--device", "cpu"]) == 0
    assert "memory: " in capsys.readouterr().err
    small(monkeypatch, 8.5)
    assert main(["validate", "--memory", str(job_file)]) == 2
    assert "GB at the least" in capsys.readouterr().err


def test_the_list_of_models_begins_with_what_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 24)
    assert main(["models", "--json"]) == 0
    fits = [model["fit"] for model in json.loads(capsys.readouterr().out)]
    assert fits[0] == "fits"
    assert fits[-1] == "too large"
    assert main(["models"]) == 0
    assert "too large" in capsys.readouterr().out


def test_a_model_is_loaded_again_only_where_its_parts_must_go_elsewhere(
    tmp_path: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Any] = []

    def load(resolved: str, device: Any, plan: Any) -> Model:
        loads.append((plan.network, plan.encoders))
        return tiny

    monkeypatch.setattr(model_keeper, "load_model", load)
    monkeypatch.setattr(
        model_keeper, "machine_of", lambda _: replace(machine(2.7, 32), dtype="float32")
    )
    keeper = ModelKeeper(device=CPU)

    def asked(side_px: int) -> None:
        work = Work.of_square(side_px)
        plan = keeper.plan(str(TINY_SD), tmp_path, work)
        keeper.model(str(TINY_SD), tmp_path, work, plan)

    asked(256)
    asked(256)
    asked(128)
    asked(320)
    assert loads == [("stays", "stays")]
    with pytest.raises(EngineError, match="regions of 512 × 512 px or less"):
        asked(8192)


def pixels(path: Path) -> Any:
    return np.asarray(Image.open(path))


def test_a_picture_in_8_bits_is_made_again_in_8_bits(job_file: Path, tmp_path: Path) -> None:
    first, again, whole = (tmp_path / name for name in ("first.png", "again.png", "whole.png"))
    words = ["--device", "cpu", "--quiet"]
    assert main(["generate", str(job_file), "-o", str(first), *words, "--dtype", "float8"]) == 0
    assert read_run(first)["dtype"] == "float8"
    assert main(["generate", str(first), "-o", str(again), "--quiet"]) == 0
    assert np.array_equal(pixels(first), pixels(again))
    assert main(["generate", str(job_file), "-o", str(whole), *words, "--dtype", "float32"]) == 0
    assert not np.array_equal(pixels(first), pixels(whole))
