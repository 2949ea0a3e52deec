"""Canvases that wrap: held to themselves, moved around the canvas, and to what has no edge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

import engine
from engine.contract.cuts import RING_CONTEXT_PX
from engine.contract.effort import denoised_cells
from engine.contract.geometry import NO_AXES, Axes
from engine.contract.job import Job, to_document
from engine.families.base import Model
from engine.families.loading import model_of
from engine.runtime import autoencoder, tiled
from engine.runtime.autoencoder import KLCodec
from engine.runtime.controls import Control
from engine.runtime.devices import choose_device
from engine.runtime.references import Reference
from engine.runtime.windows import Window, WrappedWindow
from engine.sampling import generate as generating
from engine.sampling import noise
from engine.sampling.kept import change_of
from engine.sampling.masks import canvas_weights
from engine.sampling.noise import Noise, starting_noise
from engine.sampling.region_windows import region_windows
from engine.sampling.scaling import Scaling
from engine.storage.kept import EarlierPicture
from tests.engine.flow_families import CASES
from tests.engine.runs import canvas, generated, latents, read_job, relative_error, text_region

BUNDLED = Path(engine.__file__).parent / "bundled"
CPU = torch.device("cpu")
FAMILIES = {case.name: case for case in CASES}
SIDE, CELLS, STRIDE = 128, 16, 8
BOTH = Axes(rows=True, columns=True)
Bytes = npt.NDArray[np.uint8]


def moved(top: int, left: int, **more: Any) -> dict[str, Any]:
    """Return a job of a ground that goes all around, and two regions on it, moved around by so far.

    Units: pixels.
    """

    def at(row: int, height: int, column: int, width: int, prompt: str, **own: Any) -> Any:
        row, column = (row + top) % SIDE, (column + left) % SIDE
        return text_region(row, row + height, column, column + width, prompt, **own)

    regions = (
        at(0, SIDE, 0, SIDE, "meadow", mask_type="constant", mask_weight=0.1),
        at(0, SIDE, 16, 64, "river", guidance_scale=3.0, region_seed=1),
        at(
            64,
            48,
            96,
            64,
            "a house",
            mask_type="feather",
            feather_px=16,
            noise_eps=0.3,
            region_seed=3,
        ),
    )
    return canvas(SIDE, SIDE, *regions, wrap="both", **more)


def moved_error(model: Model, monkeypatch: pytest.MonkeyPatch, **more: Any) -> float:
    """Return how far a picture is from the same moved around, with its start moved along."""
    by_px = (80, 48)
    by = tuple(side // model.stride_px for side in by_px)
    expected = np.roll(latents(moved(0, 0, **more), model), by, (-2, -1))
    drawn = noise.starting_noise

    def moved_noise(job: Job, **settings: Any) -> Tensor:
        return drawn(read_job(moved(0, 0, **more)), **settings).roll(by, (-2, -1))

    monkeypatch.setattr(generating, "starting_noise", moved_noise)
    return relative_error(latents(moved(*by_px, **more), model), expected)


@pytest.mark.parametrize("largest", [None, 80], ids=["whole", "cut"])
def test_what_is_moved_around_the_canvas_is_the_same_picture_moved(
    tiny: Model, largest: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved_error(tiny, monkeypatch, max_region_px=largest) < 1e-5


@pytest.mark.parametrize("name", ["z_image", "flux2_klein", "qwen_image"])
def test_so_it_is_with_transformers_and_their_patches(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(FAMILIES[name].build(), choose_device("cpu", "float32"))
    assert moved_error(model, monkeypatch) < 1e-4
    picture = generated(moved(0, 0), model).picture
    assert picture.shape == (SIDE, SIDE, 3)


def test_the_base_pass_sees_the_canvas_go_on(tiny: Model) -> None:
    asked = {"wrap": "both", "num_inference_steps": 1}
    alone = text_region(0, SIDE, 0, SIDE, "a valley", mask_type="constant", guidance_scale=4.0)
    base = {"base_strength": 1.0, "base_prompt": "a valley", "base_guidance_scale": 4.0}
    sea = text_region(0, SIDE, 0, SIDE, "sea")
    found = latents(canvas(SIDE, SIDE, sea, **asked, **base), tiny)
    assert relative_error(found, latents(canvas(SIDE, SIDE, alone, **asked), tiny)) < 1e-5


def test_the_weights_of_what_goes_all_around_are_the_same_along_it() -> None:
    for wrap, is_flat in (("x", (False, True)), ("y", (True, False)), ("both", (True, True))):
        for largest in (None, 72):
            job = read_job(
                canvas(64, 128, text_region(0, 64, 0, 128, "sea"), wrap=wrap, max_region_px=largest)
            )
            total = torch.zeros(8, 16, dtype=torch.float64)
            for one in region_windows(job, STRIDE, {}):
                one.window.add_(total, one.weights)
            weights = canvas_weights(job.text_regions[0], job, STRIDE, {})
            assert np.allclose(total.numpy(), weights, rtol=1e-12)
            assert tuple(bool(np.ptp(weights, axis=axis).max() == 0) for axis in (0, 1)) == is_flat


@pytest.mark.parametrize("largest", [None, 64, 96])
def test_effort_counts_the_cells_that_are_seen(largest: int | None) -> None:
    job = read_job(moved(24, 88, max_region_px=largest))
    seen = sum(one.window.height * one.window.width for one in region_windows(job, STRIDE, {}))
    assert denoised_cells(job, STRIDE) == 2 * seen * job.num_inference_steps
    longest = max(one.window.width for one in region_windows(job, STRIDE, {})) * STRIDE
    assert longest == (SIDE + 2 * RING_CONTEXT_PX if largest is None else largest)


def seam(picture: Bytes, axis: int) -> float:
    """Return the step across the edge, over the mean step inside."""
    values = picture.astype(np.float64)
    across = values.take(0, axis) - values.take(-1, axis)
    return float(np.square(across).mean() / np.square(np.diff(values, axis=axis)).mean())


def smooth(height: int, width: int) -> Tensor:
    """Return latents (1, 4, h, w) that go around without a step."""
    rows = torch.arange(height)[:, None] / height * 2 * torch.pi
    columns = torch.arange(width) / width * 2 * torch.pi
    waves = [torch.sin(rows + n) + torch.cos(columns * (1 + n % 2) + n) for n in range(4)]
    return torch.stack(waves)[None].float()


@pytest.fixture(scope="module")
def codec() -> KLCodec:
    vae = diffusers.AutoencoderKL.from_pretrained(BUNDLED, subfolder="vae")
    return KLCodec(vae.eval(), encoding="mode")


in_tiles = pytest.mark.parametrize("most", [128 * 128, 100], ids=["whole", "in tiles"])


def tile_above(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let canvases of more cells than this be seen in tiles, with statistics of patches."""
    for module in (autoencoder, tiled):
        monkeypatch.setattr(module, "WHOLE_CELLS", most)


@in_tiles
@pytest.mark.parametrize("wrapped", [BOTH, Axes(rows=False, columns=True)], ids=["both", "x"])
@torch.inference_mode()
def test_a_picture_is_decoded_as_if_it_went_on(
    codec: KLCodec, most: int, wrapped: Axes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile_above(most, monkeypatch)
    cells = smooth(24, 100)
    shift = (12 if wrapped.rows else 0, 50 if wrapped.columns else 0)

    def decoded(latents: Tensor, **more: Any) -> Bytes:
        return np.concatenate(list(codec.decode(latents, on=CPU, **more)))

    found = decoded(cells, wrapped=wrapped)
    there = decoded(cells.roll(shift, (-2, -1)), wrapped=wrapped)
    back = np.roll(there, (-shift[0] * STRIDE, -shift[1] * STRIDE), (0, 1))
    assert found.shape == (24 * STRIDE, 100 * STRIDE, 3)
    assert np.abs(found.astype(int) - back).max() <= (1 if most > 100 else 8)
    plain = decoded(cells)
    for axis, wraps in enumerate(wrapped):
        if wraps:
            assert seam(found, axis) < 1.05 < seam(plain, axis)


@in_tiles
@torch.inference_mode()
def test_a_picture_is_encoded_as_if_it_went_on(
    codec: KLCodec, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tile_above(most, monkeypatch)
    tiles = np.random.default_rng(0).integers(0, 255, (1, 3, 6, 25), np.uint8)
    picture = torch.from_numpy(tiles.repeat(32, axis=2).repeat(32, axis=3))

    def encoded(shift: tuple[int, int], around: Axes) -> Tensor:
        moved_picture = picture.roll((shift[0] * STRIDE, shift[1] * STRIDE), (-2, -1))
        reference = Reference(picture=moved_picture, height_px=192, width_px=800, around=around)
        return codec.encode(reference, torch.Generator(), on=CPU)

    def moved_error(around: Axes) -> float:
        there = encoded((12, 48), around).roll((-12, -48), (-2, -1))
        return relative_error(there.numpy(), encoded((0, 0), around).numpy())

    assert moved_error(BOTH) < (1e-4 if most > 100 else 0.02)
    assert moved_error(NO_AXES) > 0.05


def test_low_frequencies_of_a_ring_go_around() -> None:
    ring = torch.randn(1, 4, 24, 30, dtype=torch.float64)
    scaling = Scaling.between(ring, 8, 15, BOTH)
    for matrix in (scaling.rows, scaling.columns):
        assert torch.allclose(matrix @ matrix.T, torch.eye(len(matrix)).double(), atol=1e-6)
    low = scaling.up(scaling.down(ring))
    moved_low = scaling.up(scaling.down(ring.roll((3, 2), (-2, -1))))
    assert torch.allclose(moved_low, low.roll((3, 2), (-2, -1)), atol=1e-5)


def test_an_image_region_crosses_an_edge(tiny: Model) -> None:
    place = {"row_init": 0, "row_end": 64, "col_init": 96, "col_end": 160}
    image = {"type": "image2image", **place, "reference_image": "red.png", "strength": 1.0}
    plain = canvas(SIDE, SIDE, text_region(0, SIDE, 0, SIDE, "sea"), wrap="x")
    held = {**plain, "regions": [*plain["regions"], image], "scheduler": "ddim"}
    red = {
        "red.png": torch.tensor([255, 0, 0], dtype=torch.uint8)
        .view(1, 3, 1, 1)
        .expand(1, 3, 64, 64)
    }
    parts = [
        WrappedWindow(top=0, bottom=8, left=12, right=20).take(
            torch.from_numpy(latents(job, tiny, red))
        )
        for job in (plain, held)
    ]
    # Held in both halves alike, which the sea is not.
    assert parts[1].std() < 0.5 * parts[0].std()


def test_a_reroll_crosses_a_corner(tiny: Model) -> None:
    reroll = {"row_init": 96, "row_end": 160, "col_init": 96, "col_end": 160, "region_seed": 1}
    plain = read_job(canvas(SIDE, SIDE, text_region(0, SIDE, 0, SIDE, "sea"), wrap="both"))
    rerolled = read_job({**to_document(plain), "reroll_regions": [reroll]})
    draw = Noise(device=CPU, drawn_on=CPU)
    before, after = (
        starting_noise(
            job, channels=4, stride_px=STRIDE, noise=draw, generator=draw.generator(job.seed)
        )
        for job in (plain, rerolled)
    )
    changed = (before != after).all(1)[0]
    corners = torch.zeros(16, 16, dtype=torch.bool)
    for rows in (slice(12, 16), slice(0, 4)):
        for columns in (slice(12, 16), slice(0, 4)):
            corners[rows, columns] = True
    assert torch.equal(changed, corners)


def test_a_kept_picture_changes_across_an_edge(tiny: Model) -> None:
    ground = text_region(0, SIDE, 0, SIDE, "sea", mask_type="constant", mask_weight=0.01)
    boat = text_region(32, 96, 96, 160, "a boat", mask_type="feather", name="Boat")
    job = read_job(
        canvas(SIDE, SIDE, ground, boat, wrap="x", kept={"picture": "a", "regions": ["Boat"]})
    )
    earlier = EarlierPicture(pixels=np.zeros((SIDE, SIDE, 3), np.uint8), mask=None, latents=None)
    change = change_of(job, region_windows(job, STRIDE, {}), earlier, STRIDE, {})
    shares = change.shares(0, SIDE)
    assert shares[64, [0, SIDE - 1]].min() > 0.9
    assert np.abs(shares[:, 0] - shares[:, -1]).max() < 0.1
    assert shares[:, 40:88].max() == 0


def test_a_control_is_seen_across_an_edge() -> None:
    hint = torch.arange(16 * 8).view(1, 1, 1, -1).expand(1, 1, 64, 128)
    whole = Window(top=0, bottom=8, left=0, right=16)
    control = Control(net=None, kind="depth", hint=hint, area=whole, scale=1.0)
    window = WrappedWindow(top=0, bottom=8, left=12, right=20)
    seen = control.seen_in(window)[0, 0, 0]
    assert torch.equal(seen, torch.cat([hint[0, 0, 0, 96:], hint[0, 0, 0, :32]]))


def test_a_mask_over_the_canvas_is_seen_across_an_edge() -> None:
    region = text_region(0, 64, 96, 160, "sea", mask_type="constant", mask="m", mask_area="canvas")
    job = read_job(canvas(64, SIDE, region, wrap="x"))
    mask = np.zeros((64, SIDE), np.float32)
    mask[:, :16] = 1
    weights = canvas_weights(job.text_regions[0], job, STRIDE, {"m": mask})
    assert np.array_equal(weights, np.repeat([[1.0] * 2 + [0.0] * 14], 8, axis=0))
