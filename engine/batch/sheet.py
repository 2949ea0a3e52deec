"""The contact sheet: many pictures small on one, each with its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from engine.contract.errors import EngineError
from engine.contract.limits import Limits
from engine.storage.images import open_image

_WIDTH_PX = 256
_GAP_PX = 8
_NAME_PX = 16
_INK, _PAPER = (230, 230, 230), (32, 32, 32)


def contact_sheet(paths: Sequence[Path], *, columns: int = 0) -> Image.Image:
    """Return pictures in rows, about as wide as high unless `columns` are given.

    Raises: EngineError of kind `picture` where there is none, or one cannot be read.
    """
    if not paths:
        raise EngineError("there is no picture", kind="picture", advice="name PNGs, or a folder")
    columns = columns or min(len(paths), max(1, round(len(paths) ** 0.5)))
    small = [_small(path) for path in paths]
    height = max(one.height for one in small) + _NAME_PX + _GAP_PX
    width, rows = _WIDTH_PX + _GAP_PX, -(-len(paths) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP_PX, rows * height + _GAP_PX), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_NAME_PX - 4)
    for number, (path, picture) in enumerate(zip(paths, small, strict=True)):
        left = number % columns * width + _GAP_PX
        top = number // columns * height + _GAP_PX
        sheet.paste(picture, (left, top))
        name = path.stem
        while draw.textlength(name, font) > _WIDTH_PX:
            name = f"…{name[2:]}"  # ends differ: frame and seed
        draw.text((left, top + picture.height + 2), name, _INK, font)
    return sheet


def _small(path: Path) -> Image.Image:
    picture = open_image(path, Limits())
    height = max(1, round(picture.height * _WIDTH_PX / picture.width))
    return picture.resize((_WIDTH_PX, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
