"""What only a GPU can show: the same picture as on the CPU, within its memory, without waiting."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.families.base import Model
from engine.families.loading import load_model, model_of
from engine.runtime.devices import choose_device, takes_bfloat16
from engine.sampling.events import StepDone
from engine.sampling.generate import generate
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, generated, read_job, relative_error, text_region
from tests.engine.tiny_models import tiny_sdxl

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU of CUDA here"),
]

THREE = (
    text_region(0, 64, 0, 64, "sky", region_seed=1, noise_eps=0.2),
    text_region(0, 64, 32, 96, "house", region_seed=2, mask_type="feather"),
    text_region(16, 64, 0, 96, "road", region_seed=3, guidance_scale=3),
)
JOB = canvas(64, 96, *THREE, scheduler="ddim")


@pytest.fixture(params=["sd", "sdxl"])
def family(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def loaded(family: str, device: str, dtype: str = "float32") -> Model:
    chosen = choose_device(device, dtype)
    if family == "sd":
        return load_model(str(TINY_SD), chosen)
    return model_of(tiny_sdxl().to(chosen.dtype), chosen)


def test_a_seed_gives_the_picture_of_the_cpu(family: str) -> None:
    on_gpu = latents_of(loaded(family, "cuda"))
    assert relative_error(on_gpu, latents_of(loaded(family, "cpu"))) < 1e-3


def latents_of(model: Model) -> Any:
    return generated(JOB, model).latents.cpu().numpy()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_stays_near(family: str, dtype: str) -> None:
    if dtype == "bfloat16" and not takes_bfloat16("cuda"):
        pytest.skip("this GPU has no bfloat16")
    half = latents_of(loaded(family, "cuda", dtype))
    assert 0 < relative_error(half, latents_of(loaded(family, "cpu"))) < 0.1


def test_noise_of_the_device_is_another_picture_that_repeats(family: str) -> None:
    model = loaded(family, "cuda")
    own = {**JOB, "noise_device": "device"}
    first = generated(own, model).latents.cpu().numpy()
    assert relative_error(generated(own, model).latents.cpu().numpy(), first) < 1e-6
    assert relative_error(latents_of(model), first) > 0.1


def test_a_run_repeats(family: str) -> None:
    model = loaded(family, "cuda")
    assert relative_error(latents_of(model), latents_of(model)) < 1e-6


def test_the_memory_of_a_job_is_given_back() -> None:
    model = loaded("sdxl", "cuda")
    generated(JOB, model)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        generated(JOB, model)
    assert torch.cuda.memory_allocated() <= before + 2**20


def test_no_step_waits_for_the_device(family: str) -> None:
    model = loaded(family, "cuda")
    generated(JOB, model)  # what is made once, as the capacity, may wait
    events = generate(read_job(JOB), model)
    waits: list[str] = []
    for event in events:
        if isinstance(event, StepDone):
            torch.cuda.set_sync_debug_mode("error" if event.step < event.steps else "default")
        waits.append(type(event).__name__)
    assert waits.count("StepDone") == 3
