"""The frames of a shot: times of the scene, and the numbers of their files."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import bpy

from ..contract import EngineError

MOST_FRAMES = 100_000
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER})(?:-({_NUMBER})(?::(\d+(?:\.\d+)?))?)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFrames:
    """The frames from a first to a last one, every so many; of parts of frames too."""

    first: Fraction
    last: Fraction
    step: Fraction = Fraction(1)

    @classmethod
    def of(
        cls, first: float | Fraction, last: float | Fraction, step: float | Fraction
    ) -> ShotFrames:
        """Return the frames of a range.

        Raises: EngineError of kind `name` where there are none, or too many.
        """
        first, last, step = (
            value if isinstance(value, Fraction) else Fraction(str(round(value, 4)))
            for value in (first, last, step)
        )
        found = cls(first=first, last=last, step=step)
        if not 0 < len(found) <= MOST_FRAMES:
            raise EngineError(
                f"there are no frames from {_text(first)} to {_text(last)}, every {_text(step)}"
                if len(found) <= MOST_FRAMES
                else f"{len(found)} frames are more than {MOST_FRAMES}",
                kind="name",
                advice="give the first frame, a last one that is no earlier, and a step above 0",
            )
        return found

    @classmethod
    def read(cls, text: str, step: str = "1") -> ShotFrames:
        """Return the frames that a text names: 10, 1-24, 1-24:2, 10.5.

        Raises: EngineError of kind `name`.
        """
        found = _RANGE.fullmatch(text.strip())
        if found is None or not re.fullmatch(_NUMBER, step):
            raise EngineError(
                f"{text!r} is no frame" if found is None else f"{step!r} is no step",
                kind="name",
                advice="give 10, 1-24, or 1-24:2 for every second one",
            )
        first, last, own_step = found.groups()
        return cls.of(Fraction(first), Fraction(last or first), Fraction(own_step or step))

    def __len__(self) -> int:
        """Return how many frames there are."""
        if self.step <= 0 or self.last < self.first:
            return 0
        return math.floor((self.last - self.first) / self.step) + 1

    @property
    def times(self) -> tuple[Fraction, ...]:
        """The times of the scene, in frames."""
        return tuple(self.first + self.step * index for index in range(len(self)))

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number of each frame's file: as renders have it; parts of frames are counted."""
        if self.first.denominator == self.step.denominator == 1:
            return tuple(map(int, self.times))
        return tuple(range(math.floor(self.first), math.floor(self.first) + len(self)))

    @property
    def holds(self) -> dict[int, int]:
        """The numbers that a step leaves out, each with the one whose picture stands there."""
        return {
            between: before
            for before, after in pairwise(self.numbers)
            for between in range(before + 1, after)
        }

    @property
    def text(self) -> str:
        """The frames as `read` takes them."""
        step = "" if self.step == 1 else f":{_text(self.step)}"
        return f"{_text(self.first)}-{_text(self.last)}{step}"


def _text(value: Fraction) -> str:
    return f"{float(value):g}" if value.denominator > 1 else str(value.numerator)


def frame_now(scene: bpy.types.Scene) -> Fraction:
    """Return the frame that a scene is at, parts of frames included."""
    return Fraction(str(round(scene.frame_current + scene.frame_subframe, 4)))


def go_to(scene: bpy.types.Scene, time: Fraction | float) -> None:
    """Go to a frame, or between two."""
    whole = math.floor(time)
    scene.frame_set(whole, subframe=float(time - whole))


def numbered(name: str, number: int) -> str:
    """Return a file's name with its #### in the place of a frame's number, as renders have it."""

    def digits(found: re.Match[str]) -> str:
        return f"{'-' if number < 0 else ''}{abs(number):0{len(found[0])}d}"

    return re.sub("#+", digits, name)
