"""Reference pictures while a picture is made: what a pass sees of those that it follows.

Letters in shapes: P passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.runtime.controls import Elapsed, holds_in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Followed:
    """A picture that passes follow.

    Shapes: shown and hidden (1, …), alike.
    """

    adapter: Any
    """A loaded IP-Adapter; None where the network is shown pictures itself."""
    shown: Tensor
    """What a pass sees of it that says what there should be."""
    hidden: Tensor
    """What one sees in its place that says what there should not be."""
    scale: float = 1.0
    start: float = 0.0
    end: float = 1.0

    @property
    def key(self) -> tuple[object, ...]:
        """What passes have in common that share a call."""
        return id(self.adapter), self.scale, self.start, self.end, self.shown.shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What the passes of one call see of a picture each.

    Shapes: values (P, …).
    """

    adapter: Any
    values: Tensor
    scale: float


def seen(
    passes: Sequence[tuple[bool, Sequence[Followed]]], elapsed: Elapsed | None
) -> tuple[Seen, ...]:
    """Return what passes see of the pictures that they follow in a step.

    Each comes with whether it says what there should not be; their pictures have the same keys in
    order.
    """
    _, first = passes[0]
    return tuple(
        Seen(
            adapter=followed.adapter,
            values=torch.cat(
                [
                    pictures[index].hidden if is_negative else pictures[index].shown
                    for is_negative, pictures in passes
                ]
            ),
            scale=followed.scale,
        )
        for index, followed in enumerate(first)
        if holds_in(followed.start, followed.end, elapsed)
    )
