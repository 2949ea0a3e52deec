"""The cache of painted pictures: made once, read as a memory map."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.painting.concepts import CONCEPTS
from training.painting.prompts import Wish, paint, random_wish
from training.settings import DataSettings

CHUNK = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedSet:
    """Pictures of one size with what was wished for in each.

    Shapes: pictures (N, H, W, 3), bytes.
    """

    pictures: NDArray[np.uint8]
    wishes: list[Wish]

    def first(self, count: int) -> PaintedSet:
        """Give the set's beginning, in which concepts have equal shares too."""
        return PaintedSet(pictures=self.pictures[:count], wishes=self.wishes[:count])


def painted(
    index: int, height_px: int, width_px: int, seed: int, *, training: bool
) -> tuple[NDArray[np.uint8], Wish]:
    """Paint picture number `index`; concepts take turns, so that each has its share."""
    rng = np.random.default_rng([seed, index])
    wish = random_wish(rng, CONCEPTS[index % len(CONCEPTS)].name, training=training)
    picture = paint(wish, height_px, width_px, rng)
    return np.round(picture * 255.0).astype(np.uint8), wish


def _paint_chunk(
    job: tuple[str, int, int, int, int, int, bool],
) -> list[dict[str, str]]:
    path, start, stop, height_px, width_px, seed, training = job
    pictures = np.lib.format.open_memmap(path, mode="r+")
    wishes = []
    for index in range(start, stop):
        pictures[index], wish = painted(index, height_px, width_px, seed, training=training)
        wishes.append(asdict(wish))
    return wishes


def painted_set(
    folder: Path,
    name: str,
    *,
    count: int,
    height_px: int,
    width_px: int,
    seed: int,
    training: bool = True,
) -> PaintedSet:
    """Read a set from the cache; paint it first where it is not there, or painted otherwise now."""
    folder.mkdir(parents=True, exist_ok=True)
    path, wishes_path = folder / f"{name}.npy", folder / f"{name}.json"
    shape = (count, height_px, width_px, 3)

    def is_as_painted_now() -> bool:
        if not wishes_path.exists():
            return False
        stored = np.load(path, mmap_mode="r")
        return stored.shape == shape and all(
            np.array_equal(
                stored[index], painted(index, height_px, width_px, seed, training=training)[0]
            )
            for index in range(min(count, len(CONCEPTS)))
        )

    if not is_as_painted_now():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape).flush()
        jobs = [
            (str(path), start, min(count, start + CHUNK), height_px, width_px, seed, training)
            for start in range(0, count, CHUNK)
        ]
        with ProcessPoolExecutor() as pool:
            wishes = [wish for chunk in pool.map(_paint_chunk, jobs) for wish in chunk]
        wishes_path.write_text(json.dumps(wishes))
    wishes = json.loads(wishes_path.read_text())
    return PaintedSet(
        pictures=np.load(path, mmap_mode="r"), wishes=[Wish(**wish) for wish in wishes]
    )


def training_sets(folder: Path, settings: DataSettings) -> tuple[PaintedSet, PaintedSet]:
    """Give the small pictures and the larger canvases that training uses."""
    small = painted_set(
        folder,
        "small",
        count=settings.small_count,
        height_px=settings.small_px,
        width_px=settings.small_px,
        seed=settings.seed,
    )
    large = painted_set(
        folder,
        "large",
        count=settings.large_count,
        height_px=settings.large_height_px,
        width_px=settings.large_width_px,
        seed=settings.seed + 1,
    )
    return small, large
