"""Contact sheets: pictures in rows with what was asked for below each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.generation import Bytes

CAPTION_PX = 14


def sheet(rows: Sequence[Sequence[tuple[str, Bytes]]], path: Path) -> None:
    """Write a sheet; a caption that begins with "!" stands in red."""
    width = max(sum(p.shape[1] + 4 for _, p in row) for row in rows)
    heights = [max(p.shape[0] for _, p in row) + CAPTION_PX + 2 for row in rows]
    canvas = Image.new("RGB", (width, sum(heights)), "white")
    draw = ImageDraw.Draw(canvas)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for caption, picture in row:
            canvas.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top))
            fill = "red" if caption.startswith("!") else "black"
            longest = picture.shape[1] // 6
            text = caption.lstrip("!")[:longest]
            draw.text((left + 2, top + height - CAPTION_PX), text, fill=fill)
            left += picture.shape[1] + 4
        top += height
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path, quality=88)


def in_rows(items: Sequence[tuple[str, Bytes]], columns: int) -> list[Sequence[tuple[str, Bytes]]]:
    """Break a list into rows."""
    return [items[i : i + columns] for i in range(0, len(items), columns)]
