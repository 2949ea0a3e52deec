"""Controls while a picture is made: what a ControlNet sees of a control's picture in a window.

Letters in shapes: P passes, C channels, h w latent cells, H W pixels, k hint values a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from engine.runtime.references import Reference
from engine.runtime.windows import Window

_WHOLE_PX = 2**20  # the pixels of the largest picture that is kept as its hint


class Elapsed(NamedTuple):
    """How far a job is at a step: the steps before it, of all."""

    step: int
    steps: int


def holds_in(start: float, end: float, elapsed: Elapsed | None) -> bool:
    """Return whether a step is among those from a share of them to another; None for any step.

    As diffusers' pipelines have it.
    """
    if elapsed is None:
        return True
    step, steps = elapsed
    return step / steps >= start and (step + 1) / steps <= end


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureHint:
    """A large picture as a ControlNet sees its pixels, resized where it is looked at.

    It is sliced as a tensor (1, 3, H, W) would be. Values are from `least` to 1.
    """

    picture: Reference
    least: float
    device: torch.device | None = None
    """Where its parts go; None leaves them where the picture is."""

    @property
    def shape(self) -> torch.Size:
        """Its shape as a tensor."""
        return torch.Size((1, 3, self.picture.height_px, self.picture.width_px))

    def __getitem__(self, at: tuple[EllipsisType, slice, slice]) -> Tensor:
        """Return some of its rows and columns."""
        part = self.picture.part(*at[1:]).to(self.device)
        return (part + 1) / 2 * (1 - self.least) + self.least

    def to(self, device: torch.device) -> PictureHint:
        """Return the same, whose parts are on a device."""
        return replace(self, device=device)


Hint = Tensor | PictureHint


def pixels_seen(picture: Reference, *, least: float) -> Hint:
    """Return a picture's pixels as a ControlNet sees them, from `least` to 1."""
    hint = PictureHint(picture=picture, least=least)
    if picture.height_px * picture.width_px > _WHOLE_PX:
        return hint
    whole = picture.whole()
    return whole if least == -1 else whole / 2 + 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Control:
    """A picture that passes are held to, and the network that holds them to it.

    Shapes: hint (1, C, k·h, k·w) over the area.
    """

    net: Any
    """A loaded ControlNet of diffusers."""
    kind: str
    hint: Hint
    area: Window
    """What the picture is laid over, in cells of the canvas."""
    scale: float
    start: float = 0.0
    end: float = 1.0

    @property
    def key(self) -> tuple[object, ...]:
        """What passes have in common that share a call."""
        return id(self.net), self.kind, self.scale, self.start, self.end

    def seen_in(self, window: Window) -> Tensor:
        """Return the part of the hint that a window within the area sees, (1, C, k·h, k·w)."""
        cell = self.hint.shape[-1] // self.area.width
        hint = cast(Tensor, self.hint)  # or what is sliced like one
        return window.moved(-self.area.top, -self.area.left).scaled(cell).take(hint)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """What the passes of one call are held to by one control.

    Shapes: hints (P, C, k·h, k·w).
    """

    net: Any
    kind: str
    hints: Tensor
    scale: float


def held(
    passes: Sequence[tuple[Window, Sequence[Control]]], elapsed: Elapsed | None
) -> tuple[Held, ...]:
    """Return what passes are held to in a step; their controls have the same keys in order."""
    _, first = passes[0]
    return tuple(
        Held(
            net=control.net,
            kind=control.kind,
            hints=torch.cat([own[index].seen_in(window) for window, own in passes]),
            scale=control.scale,
        )
        for index, control in enumerate(first)
        if holds_in(control.start, control.end, elapsed)
    )
