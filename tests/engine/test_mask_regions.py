"""Regions with masks, from the sampler to the file, held to a plain second implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.cli import main
from engine.contract.png import read_job
from engine.families.base import Model
from engine.families.loading import model_of
from engine.families.schedules import build_scheduler
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.devices import choose_device
from engine.sampling.events import Done
from tests.engine.conftest import TINY_SD
from tests.engine.plain_mixture import plain_mixture
from tests.engine.runs import canvas, latents, relative_error, text_region
from tests.engine.tiny_models import tiny_sdxl

CPU = choose_device("cpu", "float32")


def soft(height: int, width: int, seed: int) -> torch.Tensor:
    """Return a mask of soft and hard parts, (H, W)."""
    values = torch.rand((height, width), generator=torch.Generator().manual_seed(seed))
    values[:, : width // 3] = 0
    values[: height // 4] = 1
    return values


MASKS = {"m": soft(128, 256, 0), "n": soft(64, 64, 1), "wide": soft(64, 128, 2)}
PICTURE = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(0)) * 2 - 1
IMAGE = {"type": "image2image", "row_init": 0, "row_end": 64, "col_init": 64, "col_end": 128}


def job_with_masks(scheduler: str) -> dict[str, Any]:
    regions = [
        text_region(0, 64, 0, 128, "sky", mask_type="constant", mask_weight=0.1, region_seed=1),
        text_region(0, 64, 0, 64, "house", mask="n", region_seed=2, mask_type="quartic"),
        text_region(0, 64, 32, 128, "road", mask="wide", mask_area="canvas", region_seed=3),
        text_region(0, 64, 0, 128, "hill", mask="m", region_seed=4, noise_eps=0.2),
        {**IMAGE, "reference_image": "p", "mask": "n", "strength": 0.6, "region_seed": 5},
        {**IMAGE, "reference_image": "p", "strength": 0.4, "col_init": 0, "col_end": 64},
    ]
    regions[-1]["region_seed"] = 6
    return canvas(64, 128, *regions, scheduler=scheduler, num_inference_steps=6)


@pytest.mark.parametrize("scheduler", ["ddim", "lms", "euler", "dpmpp_2m", "heun"])
def test_masked_regions_equal_a_plain_second_implementation(scheduler: str, tiny: Model) -> None:
    job = job_with_masks(scheduler)
    pipeline: Any = tiny._pipeline
    own = {**pipeline.scheduler.config, "_class_name": type(pipeline.scheduler).__name__}
    plain = build_scheduler(scheduler, own)
    if scheduler == "heun":
        job["regions"] = [r for r in job["regions"] if r["type"] == "text2image"]
    expected = plain_mixture(pipeline, plain, job, {"p": PICTURE}, MASKS).numpy()
    masks = {name: mask.numpy() for name, mask in MASKS.items()}
    assert relative_error(latents(job, tiny, {"p": PICTURE}, masks), expected) < 1e-5


def test_masked_regions_of_sdxl_do_too() -> None:
    pipeline = tiny_sdxl()
    model = model_of(pipeline, CPU)
    job = job_with_masks("ddim")
    scheduler = build_scheduler("ddim", pipeline.scheduler.config)
    expected = plain_mixture(tiny_sdxl(), scheduler, job, {"p": PICTURE}, MASKS).numpy()
    masks = {name: mask.numpy() for name, mask in MASKS.items()}
    assert relative_error(latents(job, model, {"p": PICTURE}, masks), expected) < 1e-5


def test_an_image_that_stays_whole_is_there_at_the_end_where_its_mask_covers(tiny: Model) -> None:
    image = {**IMAGE, "col_init": 0, "col_end": 64, "reference_image": "p", "strength": 1.0}
    mask = np.zeros((64, 64), np.float32)
    mask[:, :32] = 1
    job = canvas(64, 64, text_region(0, 64, 0, 64, "sky"), {**image, "mask": "m"}, scheduler="ddim")
    held = latents(job, tiny, {"p": PICTURE}, {"m": mask})
    unmasked = canvas(64, 64, text_region(0, 64, 0, 64, "sky"), image, scheduler="ddim")
    generator = torch.Generator().manual_seed(job["seed"])
    torch.randn((1, 4, 8, 8), generator=generator)  # the canvas's noise comes first
    vae: Any = tiny._pipeline
    encoded = vae.vae.encode(PICTURE).latent_dist.sample(generator=generator)
    clean = (encoded * vae.vae.config.scaling_factor).detach().numpy()
    # The last step is the model's own, as `release_timestep` says: what it changes is little.
    assert relative_error(held[..., :4], clean[..., :4]) < relative_error(
        latents(unmasked, tiny, {"p": PICTURE})[..., :4], clean[..., :4]
    )
    assert relative_error(held[..., 4:], clean[..., 4:]) > 0.3


def saved(folder: Path) -> dict[str, Any]:
    """Write a job's masks beside where it would lie, and return its document."""
    folder.mkdir(exist_ok=True)
    (folder / "masks").mkdir()
    for name, mask in MASKS.items():
        levels = (mask.numpy() * 255).round().astype(np.uint8)
        Image.fromarray(levels).save(folder / "masks" / f"{name}.png")
    job = job_with_masks("ddim")
    job["regions"] = [
        {**region, "mask": f"masks/{region['mask']}.png"} if region.get("mask") else region
        for region in job["regions"]
        if region["type"] == "text2image"
    ]
    return {**job, "model": str(TINY_SD)}


def test_a_picture_with_masks_makes_itself_again_from_its_png(tmp_path: Path) -> None:
    document = saved(tmp_path / "jobs")
    keeper = ModelKeeper(device=CPU)
    first = tmp_path / "results" / "first.png"
    request = RunRequest(document=document, folder=tmp_path / "jobs", output=first)
    *_, done = run(request, keeper)
    assert isinstance(done, Done)
    kept = read_job(first)
    names = {region["mask"] for region in kept["regions"] if region["mask"]}
    assert names == {f"../jobs/masks/{name}.png" for name in MASKS}
    again = tmp_path / "results" / "again.png"
    list(run(RunRequest(document=kept, folder=first.parent, output=again), keeper))
    before, after = (np.asarray(Image.open(path)) for path in (first, again))
    assert np.array_equal(before, after)


def test_the_command_line_explains_and_validates_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = saved(tmp_path / "jobs")
    path = tmp_path / "jobs" / "job.json"
    path.write_text(json.dumps(document))
    assert main(["explain", str(path), "-o", str(tmp_path / "masked.png")]) == 0
    plain = {**document, "regions": [{**r, "mask": None} for r in document["regions"]]}
    path.write_text(json.dumps(plain))
    assert main(["explain", str(path), "-o", str(tmp_path / "plain.png")]) == 0
    images = [np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("masked", "plain")]
    assert images[0].shape == images[1].shape
    assert (images[0] != images[1]).mean() > 0.02
    document["regions"][1]["mask"] = "masks/none.png"
    path.write_text(json.dumps(document))
    assert main(["validate", str(path)]) == 2
    assert "regions[1].mask: there is no file 'masks/none.png'" in capsys.readouterr().err


def test_a_mask_that_covers_nothing_is_a_warning_at_its_region(tmp_path: Path) -> None:
    document = saved(tmp_path / "jobs")
    Image.new("L", (8, 8), 0).save(tmp_path / "jobs" / "masks" / "n.png")
    document["regions"][1]["name"] = "House"
    request = RunRequest(
        document=document, folder=tmp_path / "jobs", output=tmp_path / "picture.png"
    )
    *_, done = run(request, ModelKeeper(device=CPU))
    assert isinstance(done, Done)
    (problem,) = done.problems
    assert (problem.region, problem.severity) == ("House", "warning")
