"""The cache of painted pictures: made once, read as a memory map."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from training.painting import prompts
from training.painting.concepts import CONCEPTS
from training.painting.prompts import Wish
from training.painting.storybook import landscape, subjects
from training.painting.storybook.landscape import Landscape
from training.settings import DataSettings

CHUNK = 125
POSTCARD = 1.8
"""Height over width from which a landscape is a postcard."""
Bytes = NDArray[np.uint8]
W = TypeVar("W")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedSet(Generic[W]):
    """Pictures of one size with what was wished for in each.

    Shapes: pictures (N, H, W, 3), bytes.
    """

    pictures: Bytes
    wishes: list[W]

    def first(self, count: int) -> PaintedSet[W]:
        """Give the set's beginning, in which concepts have equal shares too."""
        return PaintedSet(pictures=self.pictures[:count], wishes=self.wishes[:count])


def _material(
    index: int, height_px: int, width_px: int, seed: int, training: bool
) -> tuple[Bytes, Wish]:
    rng = np.random.default_rng([seed, index])
    wish = prompts.random_wish(rng, CONCEPTS[index % len(CONCEPTS)].name, training=training)
    picture = prompts.paint(wish, height_px, width_px, rng)
    return np.round(picture * 255.0).astype(np.uint8), wish


def _landscape(
    index: int, height_px: int, width_px: int, seed: int, training: bool
) -> tuple[Bytes, Landscape]:
    rng = np.random.default_rng([seed, index])
    name = subjects.NAMES[index % len(subjects.NAMES)]
    postcard = height_px > POSTCARD * width_px
    wish = landscape.random_landscape(rng, name, training=training, postcard=postcard)
    return landscape.paint(wish, height_px, width_px, rng), wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[W]):
    """One kind of pictures: who paints picture number `index`, and what takes turns in it.

    Concepts take turns, so that each has its share.
    """

    name: str
    paint: Callable[[int, int, int, int, bool], tuple[Bytes, W]]
    wish: Callable[..., W]
    turns: int


MATERIALS = Kind(name="materials", paint=_material, wish=Wish, turns=len(CONCEPTS))
LANDSCAPES = Kind(name="landscapes", paint=_landscape, wish=Landscape, turns=len(subjects.SUBJECTS))
KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in (MATERIALS, LANDSCAPES)}


def _paint_chunk(job: tuple[str, str, int, int, int, int, int, bool]) -> list[dict[str, Any]]:
    kind, path, start, stop, height_px, width_px, seed, training = job
    pictures = np.lib.format.open_memmap(path, mode="r+")
    wishes = []
    for index in range(start, stop):
        pictures[index], wish = KINDS[kind].paint(index, height_px, width_px, seed, training)
        wishes.append(asdict(wish))
    return wishes


def painted_set(
    kind: Kind[W],
    folder: Path,
    name: str,
    *,
    count: int,
    height_px: int,
    width_px: int,
    seed: int,
    training: bool = True,
) -> PaintedSet[W]:
    """Read a set from the cache; paint it first where it is not there, or painted otherwise now."""
    folder.mkdir(parents=True, exist_ok=True)
    path, wishes_path = folder / f"{name}.npy", folder / f"{name}.json"
    shape = (count, height_px, width_px, 3)

    def is_as_painted_now() -> bool:
        if not wishes_path.exists():
            return False
        stored = np.load(path, mmap_mode="r")
        return stored.shape == shape and all(
            np.array_equal(stored[index], kind.paint(index, height_px, width_px, seed, training)[0])
            for index in range(min(count, kind.turns))
        )

    if not is_as_painted_now():
        np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape).flush()
        jobs = [
            (kind.name, str(path), start, min(count, start + CHUNK), height_px, width_px, seed,
             training)
            for start in range(0, count, CHUNK)
        ]  # fmt: skip
        with ProcessPoolExecutor() as pool:
            wishes = [wish for chunk in pool.map(_paint_chunk, jobs) for wish in chunk]
        wishes_path.write_text(json.dumps(wishes))
    wishes = json.loads(wishes_path.read_text())
    return PaintedSet(
        pictures=np.load(path, mmap_mode="r"), wishes=[kind.wish(**wish) for wish in wishes]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSets:
    """All that training sees: materials, small and as larger canvases, and landscapes by size."""

    small: PaintedSet[Wish]
    large: PaintedSet[Wish]
    landscapes: tuple[PaintedSet[Landscape], ...]


def training_sets(folder: Path, settings: DataSettings) -> TrainingSets:
    """Read or paint the pictures that training uses."""
    return TrainingSets(
        small=painted_set(
            MATERIALS,
            folder,
            "small",
            count=settings.small_count,
            height_px=settings.small_px,
            width_px=settings.small_px,
            seed=settings.seed,
        ),
        large=painted_set(
            MATERIALS,
            folder,
            "large",
            count=settings.large_count,
            height_px=settings.large_height_px,
            width_px=settings.large_width_px,
            seed=settings.seed + 1,
        ),
        landscapes=tuple(
            painted_set(
                LANDSCAPES,
                folder,
                f"landscapes_{height_px}x{width_px}",
                count=count,
                height_px=height_px,
                width_px=width_px,
                seed=settings.seed + 10 + number,
            )
            for number, (height_px, width_px, count) in enumerate(settings.landscapes)
        ),
    )
