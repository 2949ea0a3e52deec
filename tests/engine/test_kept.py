"""A part of a picture made anew: the rest stays, bytes in the file and latents at each step."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.cli import main
from engine.contract.effort import denoised_cells
from engine.contract.errors import JobError
from engine.contract.job import Job, to_document
from engine.contract.png import read_job
from engine.families.base import Model
from engine.families.schedules import build_scheduler
from engine.model_keeper import ModelKeeper
from engine.run import RunRequest, run
from engine.runtime.batching import Denoiser, RegionWindow
from engine.runtime.devices import choose_device
from engine.sampling.events import Generated
from engine.sampling.generate import generate
from engine.sampling.inputs import JobInputs
from engine.sampling.kept import Change, KeptAnchor, change_of, touched
from engine.sampling.region_windows import region_windows
from engine.storage.kept import EarlierPicture, latents_note, read_latents
from tests.engine.conftest import TINY_SD
from tests.engine.plain_mixture import plain_mixture
from tests.engine.runs import by_another_denoiser, canvas, pictures_of, text_region
from tests.engine.runs import read_job as job_of

CPU = choose_device("cpu", "float32")
Pixels = npt.NDArray[np.uint8]


def scene(**more: Any) -> dict[str, Any]:
    """Return a job of three regions beside each other, over one of the whole canvas."""
    return canvas(
        64,
        192,
        text_region(0, 64, 0, 192, "sky", name="sky", mask_type="constant", mask_weight=0.01),
        text_region(0, 64, 0, 64, "tree", name="tree", mask_type="feather", feather_px=16),
        text_region(0, 64, 64, 128, "house", name="house", mask_type="constant"),
        text_region(0, 64, 120, 192, "road", name="road", mask_type="quartic"),
        **{"scheduler": "ddim", "num_inference_steps": 4, **more},
    )


def first(model: Model, document: dict[str, Any]) -> EarlierPicture:
    """Return what a job makes, as it is kept."""
    job = job_of(document)
    events = list(generate(job, model))
    (made,) = (event for event in events if isinstance(event, Generated))
    return EarlierPicture(pixels=pictures_of(events)[None], latents=made.latents.numpy())


def masked(earlier: EarlierPicture, mask: npt.NDArray[np.float32] | None) -> EarlierPicture:
    return EarlierPicture(pixels=earlier.pixels, latents=earlier.latents, mask=mask)


def keeping(document: dict[str, Any], *regions: str, **more: Any) -> dict[str, Any]:
    kept = {"picture": "p", "regions": list(regions), **more}
    return {**document, "seed": 77, "kept": kept}


def again(model: Model, document: dict[str, Any], earlier: EarlierPicture) -> tuple[Pixels, Tensor]:
    events = list(generate(job_of(document), model, JobInputs(kept=earlier)))
    (made,) = (event for event in events if isinstance(event, Generated))
    return pictures_of(events)[None], made.latents


def change(document: dict[str, Any], earlier: EarlierPicture) -> Change:
    job = job_of(document)
    return change_of(job, region_windows(job, 8, {}), earlier, 8, {})


def test_one_region_is_made_anew_and_all_around_it_stays_the_same_bytes(tiny: Model) -> None:
    earlier = first(tiny, scene())
    picture, latents = again(tiny, keeping(scene(), "house"), earlier)
    assert np.array_equal(picture[:, :64], earlier.pixels[:, :64])
    assert np.array_equal(picture[:, 128:], earlier.pixels[:, 128:])
    inside = picture[:, 80:112].astype(int) - earlier.pixels[:, 80:112]
    assert np.abs(inside).mean() > 10
    assert earlier.latents is not None
    outside = np.s_[..., [*range(8), *range(16, 24)]]
    assert np.array_equal(latents.numpy()[outside], earlier.latents[outside])


def random_case(draw: random.Random) -> tuple[dict[str, Any], bool]:
    """Return a job at random, and whether it is made anew by a mask."""
    height, width = (8 * draw.randint(6, 14) for _ in range(2))
    regions = [
        text_region(0, height, 0, width, "sky", name="0", mask_type="constant", mask_weight=0.01)
    ]
    for number in range(1, draw.randint(2, 4)):
        top, left = 8 * draw.randint(0, height // 8 - 5), 8 * draw.randint(0, width // 8 - 5)
        bottom = draw.randrange(top + 32, height + 1, 8)
        right = draw.randrange(left + 32, width + 1, 8)
        kind = draw.choice(["constant", "gaussian", "quartic", "feather"])
        own = {"mask_type": kind, "guidance_scale": draw.choice([1.0, 4.0])}
        prompt = draw.choice(["a house", "a road"])
        regions.append(text_region(top, bottom, left, right, prompt, name=f"{number}", **own))
    regions[-1]["mask_weight"] = 100.0  # is seen, whatever it lies behind
    scheduler = draw.choice(["ddim", "euler", "euler_a", "dpmpp_2m", "pndm", "lms", "unipc"])
    more = {"scheduler": scheduler, "num_inference_steps": draw.randint(2, 3)}
    if draw.random() < 0.3:
        more["max_region_px"] = 64
    job = canvas(height, width, *regions, **more, seed=draw.randrange(1000))
    return job, draw.random() < 0.5


def random_mask(draw: random.Random, job: dict[str, Any]) -> npt.NDArray[np.float32]:
    mask = np.zeros((job["canvas_height"], job["canvas_width"]), np.float32)
    top, left = draw.randrange(0, mask.shape[0] - 40), draw.randrange(0, mask.shape[1] - 40)
    mask[top : top + 40, left : left + 40] = draw.choice([1.0, 0.7])
    mask[top : top + 3] *= 0.5
    return mask


@pytest.mark.parametrize("number", range(50))
def test_bytes_outside_of_a_change_stay_whatever_the_job(tiny: Model, number: int) -> None:
    draw = random.Random(number)
    document, by_mask = random_case(draw)
    mask = random_mask(draw, document) if by_mask else None
    earlier = masked(first(tiny, document), mask)
    chosen = [] if by_mask else [document["regions"][-1]["name"]]
    strength = draw.choice([0.0, 0.4])
    job = keeping(document, *chosen, mask="m" if by_mask else None, strength=strength)
    picture, latents = again(tiny, job, earlier)
    outside = np.ones(picture.shape[:2], bool)
    if mask is not None:
        outside = mask == 0
    else:
        region = document["regions"][-1]
        rows = slice(region["row_init"], region["row_end"])
        outside[rows, region["col_init"] : region["col_end"]] = False
    assert np.array_equal(picture[outside], earlier.pixels[outside])
    assert (picture != earlier.pixels).any()
    cells = change(job, earlier).cells
    assert earlier.latents is not None
    assert np.array_equal(latents.numpy()[0][:, cells == 0], earlier.latents[0][:, cells == 0])


@pytest.mark.parametrize("scheduler", ["ddim", "euler", "dpmpp_2m", "lms"])
def test_a_remade_region_equals_a_plain_second_implementation(tiny: Model, scheduler: str) -> None:
    before = scene(scheduler=scheduler, num_inference_steps=6)
    earlier = first(tiny, before)
    job = keeping(before, "tree", strength=0.3)
    _, found = again(tiny, job, earlier)
    # The tree's share, by hand: a feather of two cells over a background of a hundredth.
    line = torch.ones(8, dtype=torch.float64)
    for index in range(2):
        line[index] = line[7 - index] = 0.5 - 0.5 * np.cos(np.pi * (index + 0.5) / 2)
    own = line[:, None] * line[None, :]
    freedom = torch.zeros((8, 24), dtype=torch.float64)
    freedom[:, :8] = (2 * own / (own + 0.01)).clamp(max=1) * 0.7
    pipeline: Any = tiny._pipeline
    config = {**pipeline.scheduler.config, "_class_name": type(pipeline.scheduler).__name__}
    document = to_document(job_of(job))
    tree = document["regions"][1]
    document["regions"][1] = {**tree, "mask_type": "constant", "mask": "tree"}
    assert earlier.latents is not None
    expected = plain_mixture(
        pipeline,
        build_scheduler(scheduler, config),
        document,
        masks={"tree": torch.nn.functional.interpolate(own[None, None], scale_factor=8)[0, 0]},
        kept=(torch.from_numpy(earlier.latents), freedom),
    )
    assert torch.allclose(found, expected, atol=2e-4)


def test_the_earlier_latents_are_put_back_at_the_level_of_every_step(tiny: Model) -> None:
    schedule = tiny.make_schedule(job_of(scene()))
    old, noise = torch.full((1, 4, 2, 3), 3.0), torch.randn((1, 4, 2, 3))
    freedom = torch.tensor([[0.0, 0.5, 1.0]] * 2)
    anchor = KeptAnchor(latents=old, freedom=freedom)
    count = len(schedule.timesteps)
    for index in range(count):
        latents = torch.zeros((1, 4, 2, 3))
        anchor.hold_(latents, noise, schedule, index)
        level = schedule.add_noise_after(old, noise, index)
        assert torch.equal(latents[..., 0], level[..., 0])
        assert bool(latents[..., 1].any()) == (index + 1 <= count / 2)
        assert not latents[..., 2].any()
    assert torch.equal(level, old)


class Counting:
    """A denoiser that remembers the windows it planned for."""

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser, self.windows = denoiser, list[RegionWindow]()

    def plan(self, job: Job, windows: Any, *more: Any) -> Any:
        self.windows = list(windows)
        return self._denoiser.plan(job, windows, *more)


def test_windows_that_do_not_touch_the_change_are_not_predicted(tiny: Model) -> None:
    earlier = first(tiny, scene())
    model: Any = by_another_denoiser(tiny)
    model.denoiser = counting = Counting(model.denoiser)
    again(model, keeping(scene(), "house"), earlier)
    # House and sky, and the road, which overlaps a cell of the house; not the tree.
    assert [one.region for one in counting.windows] == [0, 2, 3]
    assert denoised_cells(job_of(keeping(scene(), "house")), 8) == 4 * 2 * 8 * (24 + 8 + 9)
    again(model, keeping(scene(), "tree"), earlier)
    assert [one.region for one in counting.windows] == [0, 1]


def test_what_is_left_out_changes_nothing_of_what_is_made(tiny: Model) -> None:
    earlier = first(tiny, scene())
    document = keeping(scene(), "house")
    job = job_of(document)
    windows = region_windows(job, 8, {})
    fewer = touched(windows, change(document, earlier))
    total, of_fewer = torch.zeros((8, 24)).double(), torch.zeros((8, 24)).double()
    for one in windows:
        one.window.add_(total, one.weights)
    for one in fewer:
        one.window.add_(of_fewer, one.weights)
    free = change(document, earlier).cells > 0
    assert len(fewer) < len(windows)
    assert torch.equal(total[free], of_fewer[free])


Wrong = tuple[dict[str, Any] | None, tuple[int, int], str]
WRONG: dict[str, Wrong] = {
    "another size": ({}, (64, 200), "kept.picture: it has 200 × 64 pixels, the canvas 192"),
    "no region": ({"regions": ["hous"]}, (64, 192), "did you mean 'house'"),
    "nothing chosen": ({"regions": []}, (64, 192), "neither regions nor a mask"),
    "no file": ({"picture": "none.png"}, (64, 192), "there is no file 'none.png'"),
    "black mask": ({"mask": "black.png"}, (64, 192), "nothing would be made anew"),
    "thin": ({"mask": "thin.png"}, (64, 192), "too small"),
    "small mask": ({"mask": "small.png"}, (64, 192), "kept.mask: it has 8 × 8 pixels"),
    "all": ({"regions": [], "mask": "white.png"}, (64, 192), "nothing of the picture would stay"),
    "no object": (None, (64, 192), "kept: 7 is no object"),
    "unknown key": ({"seed": 1}, (64, 192), "kept.seed: is not known"),
    "too strong": ({"strength": 2}, (64, 192), "kept.strength: 2 is above 1"),
    "names": ({"regions": "house"}, (64, 192), "is not a list"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_kept_is_said_with_what_helps(tmp_path: Path, name: str) -> None:
    more, (height, width), message = WRONG[name]
    Image.new("RGB", (width, height)).save(tmp_path / "p.png")
    for file, level, size in (
        *(("black", 0, (192, 64)), ("white", 255, (192, 64)), ("small", 255, (8, 8))),
        ("thin", 0, (192, 64)),
    ):
        image = Image.new("L", size, level)
        if file == "thin":
            image.paste(255, (40, 0, 50, 64))
        image.save(tmp_path / f"{file}.png")
    kept = 7 if more is None else {"picture": "p.png", "regions": ["house"], **more}
    document = {**scene(), "kept": kept, "model": str(TINY_SD)}
    request = RunRequest(document=document, folder=tmp_path, output=tmp_path / "out.png")
    with pytest.raises(JobError) as raised:
        list(run(request, ModelKeeper(device=CPU)))
    assert message in str(raised.value)
    assert not (tmp_path / "out.png").exists()


def made(keeper: ModelKeeper, document: Any, folder: Path, name: str) -> Path:
    output = folder / name
    list(run(RunRequest(document=document, folder=folder, output=output), keeper))
    return output


def pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path))


def test_a_png_keeps_its_latents_and_the_remade_one_repeats_itself(tmp_path: Path) -> None:
    keeper = ModelKeeper(device=CPU)
    document = {**scene(), "model": str(TINY_SD)}
    one = made(keeper, document, tmp_path, "one.png")
    stored = read_latents(one, "tiny-sd")
    assert stored is not None
    assert stored.shape == (1, 4, 8, 24)
    assert read_latents(one, "another") is None
    kept = {"picture": "one.png", "regions": ["house"]}
    two = made(keeper, {**document, "seed": None, "kept": kept}, tmp_path, "two.png")
    assert np.array_equal(pixels(one)[:, :64], pixels(two)[:, :64])
    assert not np.array_equal(pixels(one), pixels(two))
    three = made(keeper, read_job(two), tmp_path, "three.png")
    assert np.array_equal(pixels(two), pixels(three))
    # What stays is stored again to the bit, however often something else is made anew.
    after = read_latents(two, "tiny-sd")
    assert after is not None
    assert np.array_equal(after[..., :8], stored[..., :8])


def test_a_picture_without_latents_is_encoded(tmp_path: Path) -> None:
    keeper = ModelKeeper(device=CPU)
    document = {**scene(), "model": str(TINY_SD)}
    one = made(keeper, document, tmp_path, "one.png")
    Image.open(one).save(tmp_path / "plain.png")  # as a program that paints over it would
    assert read_latents(tmp_path / "plain.png", "tiny-sd") is None
    kept = {"picture": "plain.png", "regions": ["house"]}
    two = made(keeper, {**document, "seed": 3, "kept": kept}, tmp_path, "two.png")
    assert np.array_equal(pixels(one)[:, 128:], pixels(two)[:, 128:])
    assert not np.array_equal(pixels(one)[:, 80:112], pixels(two)[:, 80:112])


@pytest.mark.parametrize("damage", ["cut", "garbled", "other numbers"])
def test_damaged_latents_are_none(tmp_path: Path, damage: str) -> None:
    from engine.storage.png import GrowingPng

    note = latents_note(np.ones((1, 4, 8, 8), np.float32), "m")
    if damage == "cut":
        note = note[: len(note) // 2]
    elif damage == "garbled":
        note = b"m\0" + bytes(range(256))
    else:
        note = latents_note(np.full((1, 4, 8, 8), 1e6, np.float32), "m")
        assert note == b""
    png = GrowingPng(tmp_path / "a.png", (8, 8), job={}, run={}, latents=note)
    png.add(np.zeros((8, 8, 3), np.uint8))
    assert read_latents(tmp_path / "a.png", "m") is None


def test_the_command_line_makes_a_region_or_a_mask_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = made(ModelKeeper(device=CPU), {**scene(), "model": str(TINY_SD)}, tmp_path, "one.png")
    monkeypatch.chdir(tmp_path)
    two, three = tmp_path / "out" / "two.png", tmp_path / "three.png"
    ask = ("--region", "house", "--prompt", "a red house", "--seed", "5", "--quiet")
    assert main(["again", "one.png", *ask, "-o", str(two)]) == 0
    document = read_job(two)
    assert document["kept"]["picture"] == "../one.png"
    assert [r["prompt"] for r in document["regions"]] == ["sky", "tree", "a red house", "road"]
    assert document["seed"] == 5
    assert np.array_equal(pixels(one)[:, :64], pixels(two)[:, :64])
    mask = Image.new("L", (192, 64), 0)
    mask.paste(255, (0, 0, 80, 64))
    mask.save("mask.png")
    assert main(["again", str(two), "--mask", "mask.png", "--quiet", "-o", str(three)]) == 0
    assert np.array_equal(pixels(three)[:, 80:], pixels(two)[:, 80:])
    assert not np.array_equal(pixels(three)[:, :64], pixels(two)[:, :64])
    assert main(["again", str(two), "--region", "hous", "-o", "four.png"]) == 2
    assert "did you mean 'house'" in capsys.readouterr().err
