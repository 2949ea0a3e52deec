"""One canvas over two processes of `torchrun`, gloo between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor

from engine.contract.png import read_job
from engine.runtime import autoencoder, tiled
from engine.runtime.autoencoder import KLCodec
from engine.runtime.batching import RegionWindow
from engine.runtime.codec import Pixels
from engine.runtime.windows import Window
from engine.sampling.ranks import Ranks
from tests.engine.conftest import TINY_SD
from tests.engine.runs import canvas, relative_error, text_region
from tests.engine.test_cli import CHECKOUT


@pytest.mark.slow
def test_two_ranks_make_the_canvas_of_one_with_masks_and_image_regions(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "mask.png")
    image = text_region(0, 128, 128, 256, "")
    del image["prompt"]
    image |= {"type": "image2image", "reference_image": "photo.png", "strength": 0.4}
    document = canvas(
        128,
        256,
        text_region(0, 128, 0, 128, "a tower", mask="mask.png"),
        text_region(0, 128, 64, 192, "a meadow", mask_type="gaussian"),
        text_region(0, 128, 128, 256, "a lake"),
        image,
        model=str(TINY_SD),
        seed=None,
        max_region_px=128,
        base_prompt="a tower by a lake",
        base_strength=0.5,
        num_inference_steps=4,
    )
    _require_same(document, tmp_path)


@pytest.mark.slow
def test_two_ranks_share_out_the_decoding_of_a_large_canvas(tmp_path: Path) -> None:
    document = canvas(
        1088,
        1024,
        text_region(0, 1088, 0, 512, "a tower"),
        text_region(0, 1088, 512, 1024, "a lake"),
        model=str(TINY_SD),
        num_inference_steps=1,
    )
    _require_same(document, tmp_path)


def _require_same(document: dict[str, Any], tmp_path: Path) -> None:
    """Make a picture by two ranks, and again by one: latents and picture are the same."""
    job, together, alone = (tmp_path / name for name in ("job.json", "two.png", "one.png"))
    job.write_text(json.dumps(document))
    options = ["--device", "cpu", "--dtype", "float32", "--quiet", "--latents"]
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "engine"]
    sources = ((torchrun, job, together), (["engine"], together, alone))
    for program, source, output in sources:
        command = ["generate", source, "-o", output, *options, output.with_suffix(".npz")]
        done = subprocess.run(
            [sys.executable, "-m", *program, *map(str, command)],
            cwd=CHECKOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(output.name) == 1
    assert read_job(together) == read_job(alone)
    two, one = (np.load(path.with_suffix(".npz"))["latents"] for path in (together, alone))
    assert relative_error(two, one) < 1e-5
    shown = [np.asarray(Image.open(path)).astype(int) for path in (together, alone)]
    assert np.abs(shown[0] - shown[1]).max() <= 1


def _window(height: int, width: int) -> RegionWindow:
    window = Window(top=0, bottom=height, left=0, right=width)
    return RegionWindow(region=0, window=window, weights=torch.ones(height, width))


def test_ranks_share_all_windows_once_by_their_cells() -> None:
    windows = [_window(8, 8), _window(8, 8), _window(8, 16), _window(8, 32)]
    shares = [Ranks(number, 2).share(windows) for number in range(2)]
    assert shares == [[3], [0, 1, 2]]
    assert Ranks(3, 4).share(windows[:2]) == []


class _Thread(Ranks):
    """A rank in a thread, which hands its tiles over by queues."""

    queues: ClassVar[dict[int, SimpleQueue[Tensor]]] = {}
    made: ClassVar[Counter[int]] = Counter()

    def tile(self, number: int, make: Callable[[], Tensor], on: torch.device) -> Tensor | None:
        owner = number % self.count
        if owner == self.number:
            self.made[owner] += 1
            made = make()
            if owner == 0:
                return made
            self.queues[owner].put(made)
            return None
        return self.queues[owner].get(timeout=60) if self.is_first else None


@torch.inference_mode()
def test_tiles_that_ranks_decode_in_turn_make_the_very_picture_of_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autoencoder, "WHOLE_CELLS", 16)
    monkeypatch.setattr(tiled, "_CORE_CELLS", 16)
    vae = AutoencoderKL.from_pretrained(TINY_SD, subfolder="vae").eval().requires_grad_(False)
    latents = torch.randn((1, 4, 40, 56), generator=torch.Generator().manual_seed(1))
    alone = list(KLCodec(vae).decode(latents, on=torch.device("cpu")))
    _Thread.queues = {number: SimpleQueue() for number in range(3)}

    @torch.inference_mode()
    def decode(number: int) -> list[Pixels]:
        rank = _Thread(number, 3)
        return list(KLCodec(vae).decode(latents, on=torch.device("cpu"), sharing=rank))

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(decode, range(3)))
    assert together[1:] == [[], []]
    assert len(together[0]) == len(alone) == 3
    assert all(map(np.array_equal, together[0], alone))
    assert _Thread.made == {0: 4, 1: 4, 2: 4}
