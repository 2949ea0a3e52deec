"""The denoiser learns, in pieces that go on from each other."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from training import checkpoint, denoiser, vae  # noqa: E402
from training.feed import drawing, drawn_ahead  # noqa: E402
from training.latents import LatentSets  # noqa: E402
from training.painting.storybook.landscape import Landscape  # noqa: E402
from training.settings import (  # noqa: E402
    Budget,
    DataSettings,
    DenoiserSettings,
    Settings,
    VaeSettings,
)
from training.text import build_tokenizer  # noqa: E402

SETTINGS = Settings(
    data=DataSettings(
        small_count=31,
        small_px=128,
        large_count=31,
        large_height_px=128,
        large_width_px=128,
        landscapes=((128, 128, 28),),
    ),
    vae=VaeSettings(channels=(8, 8, 8, 8), groups=4),
    denoiser=DenoiserSettings(
        channels=(16, 16, 16),
        groups=4,
        heads=2,
        text_width=24,
        text_layers=1,
        text_heads=2,
        batch=8,
        small_count=31,
        large_count=31,
        large_share=0.0,
    ),
)


def trained(cache: Path, steps: int, *, resume: bool = False) -> dict[str, object]:
    budgets = {"denoiser": Budget(minutes=5.0, steps=steps)}
    denoiser.train(dataclasses.replace(SETTINGS, cache=cache, budgets=budgets), resume=resume)
    return json.loads((cache / "denoiser" / "state.json").read_text())


def test_training_goes_on_from_its_last_step_and_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    checkpoint.save(tmp_path / "vae", vae.build(SETTINGS.vae).state_dict(), {})
    threads = torch.get_num_threads()
    try:
        assert trained(tmp_path, 50)["step"] == 50
        state = trained(tmp_path, 150, resume=True)
    finally:
        torch.set_num_threads(threads)
    assert state["step"] == 150
    losses = [row[2] for row in state["curve"]]  # type: ignore[attr-defined]
    assert losses[-1] < 0.9 * losses[0]


def test_batches_drawn_ahead_are_batches() -> None:
    sets = LatentSets(
        small=torch.zeros(0),
        large=torch.zeros(0),
        small_wishes=[],
        large_wishes=[],
        scaling_factor=1.0,
        landscapes=(torch.randn(8, 4, 32, 24),),
        landscape_wishes=([Landscape(subject="house")] * 8,),
    )
    own = DenoiserSettings(landscape_share=1.0, dropout=0.5)
    draw = drawn_ahead(drawing(sets, build_tokenizer(own), 30, own), [1])
    drawn = draw(np.random.default_rng(1), 0.0)
    assert drawn.latents.shape == (10, 4, 32, 24)
    assert drawn.mask.shape == (10, 1, 32, 24)
    empty = (drawn.ids[:, 1] == drawn.ids[:, -1]).sum()
    assert 0 < empty < 10, "some of the prompts are dropped"
