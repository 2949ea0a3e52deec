"""A small classifier that names a landscape's subject, light, season and style; benchmark only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from training import checkpoint, supervised
from training.classifier import features
from training.data import LANDSCAPES, PaintedSet, painted_set, training_sets
from training.painting.storybook.landscape import Landscape
from training.painting.storybook.light import LIGHTS, SEASONS
from training.painting.storybook.styles import STYLES
from training.painting.storybook.subjects import NAMES
from training.settings import Settings

BATCH = 32
HELD_OUT_COUNT = 1120
SIDE_PX = 256
SEEN_PX = 128
"""Height to which a picture is brought before it is judged."""
ANSWERS: dict[str, tuple[str, ...]] = {
    "subject": NAMES,
    "light": tuple(LIGHTS),
    "season": tuple(SEASONS),
    "style": tuple(STYLES),
}


def keeps_light(wish: Landscape) -> bool:
    """Tell whether a picture of this wish shows its light and season."""
    return STYLES[wish.style].keeps_light


class Judge(nn.Module):
    """Convolutions, an average and a maximum over the picture, a layer for each question.

    Shapes: (B, 3, H, W) in [-1, 1], `SEEN_PX` high, to (B, answers) for each question.
    """

    def __init__(self, channels: tuple[int, ...] = (32, 64, 128, 192)) -> None:
        """Make the layers with fresh weights."""
        super().__init__()
        self.features = features(channels)
        self.out = nn.ModuleDict(
            {name: nn.Linear(2 * channels[-1], len(answers)) for name, answers in ANSWERS.items()}
        )

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Give the score of every answer to every question."""
        found = self.features(pictures)
        pooled = torch.cat([found.mean((2, 3)), found.amax((2, 3))], 1)
        return {name: layer(pooled) for name, layer in self.out.items()}


def _truth(wishes: Sequence[Landscape]) -> dict[str, Tensor]:
    """Number the right answers; -100 where a picture does not show what is asked."""
    truth = {
        name: torch.tensor([answers.index(getattr(wish, name)) for wish in wishes])
        for name, answers in ANSWERS.items()
    }
    shown = torch.tensor([keeps_light(wish) for wish in wishes])
    for name in ("light", "season"):
        truth[name] = torch.where(shown, truth[name], -100)
    return truth


def _seen(pictures: Tensor) -> Tensor:
    """Bring pictures to the height that the judge sees."""
    width = max(48, round(pictures.shape[3] * SEEN_PX / pictures.shape[2]))
    return functional.interpolate(pictures, (SEEN_PX, width), mode="bilinear", antialias=True)


def _roughened(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Blur and disturb as decoding does."""
    if rng.random() < 0.6:
        size, shrink = pictures.shape[-2:], float(rng.uniform(0.35, 0.9))
        small = functional.interpolate(pictures, scale_factor=shrink, mode="bilinear")
        pictures = functional.interpolate(small, size=size, mode="bilinear")
    light = torch.from_numpy(rng.uniform(0.9, 1.1, (len(pictures), 1, 1, 1))).float()
    noise = 0.06 * float(rng.random()) * torch.randn_like(pictures)
    return (pictures * light.to(pictures.device) + noise).clamp(-1.0, 1.0)


def _batch(
    painted: PaintedSet[Landscape], alone: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Tensor, list[Landscape]]:
    """Cut what a region of a mixture would keep of a picture: its middle, sometimes all of it."""
    chosen = rng.choice(alone, BATCH)
    full = painted.pictures.shape[2]
    width = full if rng.random() < 0.4 else int(rng.uniform(0.62, 1.0) * full)
    left = int(rng.integers(0, full - width + 1))
    block = np.stack([painted.pictures[i, :, left : left + width] for i in chosen])
    pictures = torch.from_numpy(block).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    return _seen(pictures), [painted.wishes[i] for i in chosen]


def _alone(wishes: Sequence[Landscape]) -> NDArray[np.int64]:
    """Number the pictures that show nothing beside their subject."""
    return np.array([i for i, wish in enumerate(wishes) if not wish.second])


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge sees in a picture."""

    subject: str
    light: str
    season: str
    style: str


@torch.no_grad()
def verdicts(judge: Judge, pictures: Sequence[NDArray[np.uint8]]) -> list[Verdict]:
    """Judge pictures one by one. Shapes: each (H, W, 3)."""
    found = []
    for picture in pictures:
        values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
        scores = judge(_seen(values / 127.5 - 1.0))
        found.append(
            Verdict(**{name: ANSWERS[name][int(scores[name].argmax())] for name in ANSWERS})
        )
    return found


def held_out_set(settings: Settings) -> PaintedSet[Landscape]:
    """Landscapes that no training saw, with wishes of all kinds."""
    return painted_set(
        LANDSCAPES,
        settings.cache / "data",
        "held_out_landscapes",
        count=HELD_OUT_COUNT,
        height_px=SIDE_PX,
        width_px=SIDE_PX,
        seed=settings.data.seed + 3,
        training=False,
    )


def accuracy(judge: Judge, painted: PaintedSet[Landscape]) -> dict[str, float]:
    """Share of right answers by question, on the pictures that show what it asks for."""
    alone = _alone(painted.wishes)
    wishes = [painted.wishes[i] for i in alone]
    found = verdicts(judge.eval(), [painted.pictures[i] for i in alone])
    shares = {}
    for name in ANSWERS:
        asked = [
            (getattr(verdict, name), getattr(wish, name))
            for verdict, wish in zip(found, wishes, strict=True)
            if keeps_light(wish) or name in ("subject", "style")
        ]
        shares[name] = sum(seen == wanted for seen, wanted in asked) / len(asked)
    return shares


def load(settings: Settings) -> Judge:
    """Read the trained judge from the cache."""
    judge = Judge()
    judge.load_state_dict(checkpoint.load(settings.cache / "judge")[0])
    return judge.eval()


def train(settings: Settings, *, resume: bool = False) -> Judge:
    """Train the judge within its budget and leave it in the cache."""
    folder: Path = settings.cache / "judge"
    torch.manual_seed(4)
    sets = training_sets(settings.cache / "data", settings.data).landscapes
    alone = [_alone(painted.wishes) for painted in sets]
    judge = Judge()

    def loss_of_batch(rng: np.random.Generator, device: torch.device) -> Tensor:
        number = 0 if rng.random() < 0.7 else int(rng.integers(len(sets)))
        pictures, wishes = _batch(sets[number], alone[number], rng)
        scores = judge(_roughened(pictures.to(device), rng))
        loss = torch.zeros((), device=device)
        for name, right in _truth(wishes).items():
            if (right >= 0).any():
                loss = loss + functional.cross_entropy(
                    scores[name], right.to(device), label_smoothing=0.05
                )
        return loss

    budget = settings.budgets["judge"]
    done = supervised.train(
        judge, loss_of_batch, budget, folder, seed=4, weight_decay=0.05, resume=resume
    )
    shares = accuracy(judge, held_out_set(settings))
    checkpoint.save(folder, judge.state_dict(), {**done, "held_out_accuracy": shares})
    print("judge:", {name: f"{share:.1%}" for name, share in shares.items()})
    return judge
