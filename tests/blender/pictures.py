"""Makes the pages' pictures of what the windows' tests keep where MIXDIFF_PICTURES says.

`python -m tests.blender.pictures FOLDER`
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from tests.blender.hosts import CHECKOUT

_VIEW_AND_PANEL = (300, 75, 1290, 775)
"""Of the screen: left, top, right, bottom; None keeps a picture whole."""
_BOXES = {
    "first-panel": _VIEW_AND_PANEL,
    "first-prompt": _VIEW_AND_PANEL,
    "first-picture": _VIEW_AND_PANEL,
    "street-blocked-out": _VIEW_AND_PANEL,
    "street-regions": _VIEW_AND_PANEL,
    "street-picture": _VIEW_AND_PANEL,
    "street-projected": _VIEW_AND_PANEL,
    "live-dragged": (320, 75, 1290, 640),
    "street-side": None,
    "street-render": None,
    "street-plate": None,
}
_COLOURS = 256


def main(folder: Path) -> None:
    """Cut each picture to what its page shows, in few colours."""
    for name, box in _BOXES.items():
        picture = Image.open(folder / f"{name}.png").convert("RGB").crop(box)
        small = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
        small.save(CHECKOUT / f"docs/pictures/{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
