"""Out of memory, simulated by parts without room: gone on more frugally, then explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.contract.errors import EngineError
from engine.contract.memory import Work
from engine.families.base import Model
from engine.families.loading import load_model
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.devices import choose_device
from engine.sampling.events import Done
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, text_region

FIXED = {"mask_type": "gaussian", "guidance_scale": 7.5, "region_seed": 3}
JOB = canvas(
    64,
    128,
    text_region(0, 64, 0, 64, "a house", **FIXED),
    text_region(0, 64, 32, 96, "a tree", **FIXED),
    text_region(0, 64, 64, 128, "a road", **FIXED),
    model=str(TINY_SD),
)


@pytest.fixture
def components() -> Model:
    return load_model(str(TINY_SD), choose_device("cpu", "float32"))


def limit_batches(components: Model, most: int, error: Exception) -> list[int]:
    """Have the UNet refuse more pictures in one call; return the sizes of the calls it gets."""
    model: Any = components
    unet, seen = model._network, []
    forward = unet.forward

    def limited(sample: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        seen.append(len(sample))
        if len(sample) > most:
            raise error
        return forward(sample, *arguments, **named)

    unet.forward = limited
    return seen


def made(components: Model, output: Path) -> Done:
    keeper = ModelKeeper(device=components.device)
    keeper._model, keeper._resolved = components, str(TINY_SD)
    keeper._work = Work.of_square(1024)
    request = RunRequest(document=JOB, folder=output.parent, output=output)
    last = list(run(request, keeper))[-1]
    assert isinstance(last, Done)
    return last


def worst_difference(first: Done, second: Done) -> int:
    pixels = (np.asarray(Image.open(done.output)).astype(int) for done in (first, second))
    return int(np.abs(next(pixels) - next(pixels)).max())


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["cuda", "cpu"],
)
@pytest.mark.parametrize(("most", "sizes"), [(4, [6, 3, 3]), (1, [6, 3, 1, 1, 1, 1, 1, 1])])
def test_a_step_without_room_goes_on_in_smaller_calls_to_the_same_picture(
    most: int, sizes: list[int], error: Exception, components: Model, tmp_path: Path
) -> None:
    plain = made(components, tmp_path / "plain.png")
    seen = limit_batches(components, most, error)
    done = made(components, tmp_path / "frugal.png")
    assert seen[: len(sizes)] == sizes
    assert max(seen[len(sizes) :]) == sizes[-1]
    assert done.problems == ()
    assert worst_difference(plain, done) <= 1
    assert done.job == plain.job


def test_without_room_for_the_last_step_the_job_is_run_again_with_it_on_the_processor(
    components: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = made(components, tmp_path / "plain.png")
    decode = components.codec.decode
    refused = list[bool]()

    def decode_once_refused(*arguments: Any, **named: Any) -> Any:
        if not refused:
            refused.append(True)
            raise torch.OutOfMemoryError("Tried to allocate 2 GiB")
        return decode(*arguments, **named)

    monkeypatch.setattr(components.codec, "decode", decode_once_refused)
    done = made(components, tmp_path / "frugal.png")
    (warning,) = done.problems
    assert warning.severity == "warning"
    assert "GiB free of" in warning.message
    assert worst_difference(plain, done) <= 1
    assert done.job == plain.job


def test_without_room_for_one_pass_it_is_explained_with_numbers_and_what_helps(
    components: Model, tmp_path: Path
) -> None:
    limit_batches(components, 0, torch.OutOfMemoryError("Tried to allocate 2 GiB"))
    with pytest.raises(EngineError) as caught:
        made(components, tmp_path / "none.png")
    assert caught.value.kind == "memory"
    for part in ("Tried to allocate 2 GiB", "GiB free of", "64 × 64", "128 × 64"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_another_fault_is_not_taken_for_a_shortage(components: Model, tmp_path: Path) -> None:
    seen = limit_batches(components, 0, RuntimeError("a fault of its own"))
    with pytest.raises(RuntimeError, match="of its own"):
        made(components, tmp_path / "none.png")
    assert len(seen) == 1
