"""The drawing library behind one small class; the only module that knows skia."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

RGB = tuple[float, float, float]
Point = tuple[float, float]
Bytes = NDArray[np.uint8]


@cache
def _skia() -> Any:
    try:
        return importlib.import_module("skia")
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "Landscapes are drawn with skia-python, which is not installed: "
            "pip install -r training/requirements.txt"
        ) from missing


def _colour(rgb: RGB, alpha: float) -> int:
    red, green, blue = (max(0, min(255, round(c))) for c in rgb)
    return int(_skia().Color(red, green, blue, round(255 * alpha)))


def _paint(rgb: RGB, alpha: float) -> Any:
    return _skia().Paint(AntiAlias=True, Color=_colour(rgb, alpha))


class Canvas:
    """Flat shapes on a transparent ground. Units: pixels; colours from 0 to 255."""

    def __init__(self, width_px: int, height_px: int) -> None:
        """Begin an empty, transparent picture."""
        self.width_px, self.height_px = width_px, height_px
        self._surface = _skia().Surface(width_px, height_px)
        self._canvas = self._surface.getCanvas()

    def polygon(self, points: Sequence[Point], rgb: RGB, alpha: float = 1.0) -> None:
        """Fill straight edges."""
        path = _skia().Path()
        path.addPoly([_skia().Point(*p) for p in points], True)
        self._canvas.drawPath(path, _paint(rgb, alpha))

    def blob(self, points: Sequence[Point], rgb: RGB, alpha: float = 1.0) -> None:
        """Fill a closed curve that rounds every corner of a polygon."""
        path = _skia().Path()
        path.moveTo(*_middle(points[-1], points[0]))
        for here, after in zip(points, [*points[1:], points[0]], strict=True):
            path.quadTo(*here, *_middle(here, after))
        self._canvas.drawPath(path, _paint(rgb, alpha))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        rgb: RGB,
        *,
        corner: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Fill a rectangle with its upper left corner at (x, y)."""
        rect = _skia().Rect.MakeXYWH(x, y, width, height)
        self._canvas.drawRRect(_skia().RRect.MakeRectXY(rect, corner, corner), _paint(rgb, alpha))

    def ellipse(
        self, x: float, y: float, across: float, down: float, rgb: RGB, alpha: float = 1.0
    ) -> None:
        """Fill an ellipse around (x, y) with these half axes."""
        rect = _skia().Rect.MakeXYWH(x - across, y - down, 2 * across, 2 * down)
        self._canvas.drawOval(rect, _paint(rgb, alpha))

    def disc(self, x: float, y: float, radius: float, rgb: RGB, alpha: float = 1.0) -> None:
        """Fill a circle."""
        self.ellipse(x, y, radius, radius, rgb, alpha)

    def line(self, points: Sequence[Point], rgb: RGB, width: float, alpha: float = 1.0) -> None:
        """Draw a line with round ends."""
        paint = _paint(rgb, alpha)
        paint.setStyle(_skia().Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(_skia().Paint.kRound_Cap)
        paint.setStrokeJoin(_skia().Paint.kRound_Join)
        path = _skia().Path()
        path.addPoly([_skia().Point(*p) for p in points], False)
        self._canvas.drawPath(path, paint)

    def fade(self, points: Sequence[Point], top: tuple[float, RGB], low: tuple[float, RGB]) -> None:
        """Fill a polygon with a gradient between two heights and their colours."""
        path = _skia().Path()
        path.addPoly([_skia().Point(*p) for p in points], True)
        shader = _skia().GradientShader.MakeLinear(
            [_skia().Point(0, top[0]), _skia().Point(0, low[0])],
            [_colour(top[1], 1.0), _colour(low[1], 1.0)],
        )
        self._canvas.drawPath(path, _skia().Paint(AntiAlias=True, Shader=shader))

    def halo(self, x: float, y: float, radius: float, rgb: RGB, alpha: float) -> None:
        """Brighten softly around a point."""
        shader = _skia().GradientShader.MakeRadial(
            _skia().Point(x, y), radius, [_colour(rgb, alpha), _colour(rgb, 0.0)]
        )
        self._canvas.drawCircle(x, y, radius, _skia().Paint(AntiAlias=True, Shader=shader))

    @contextmanager
    def turned(self, x: float, y: float, degrees: float, stretch: float = 1.0) -> Iterator[None]:
        """Draw around (x, y) as the origin, turned; `stretch` -1 mirrors left and right."""
        self._canvas.save()
        self._canvas.translate(x, y)
        self._canvas.rotate(degrees)
        self._canvas.scale(stretch, 1.0)
        yield
        self._canvas.restore()

    def put(self, picture: Bytes) -> None:
        """Draw a picture over everything. Shapes: (H, W, 4), not multiplied by its alpha."""
        image = _skia().Image.fromarray(
            np.ascontiguousarray(picture), colorType=_skia().ColorType.kRGBA_8888_ColorType
        )
        self._canvas.drawImage(image, 0, 0)

    def pixels(self) -> Bytes:
        """Give the picture. Shapes: (H, W, 4), not multiplied by its alpha."""
        image = self._surface.makeImageSnapshot()
        return np.array(image.toarray(colorType=_skia().ColorType.kRGBA_8888_ColorType))


def _middle(first: Point, second: Point) -> Point:
    return (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
