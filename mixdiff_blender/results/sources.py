"""Pictures that only Blender has, kept beside the results that were painted from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..contract import atomic_write, open_input

FOLDER_NAME = "sources"


def with_kept_sources(document: Mapping[str, Any], written: Path, results: Path) -> dict[str, Any]:
    """Return a job whose pictures lie beside its result, so that it can be run again later.

    `written` is the folder where its relative paths start. A picture that is there already is not
    written again.

    Raises: EngineError of kind `picture` or `output`.
    """
    return {
        **document,
        "regions": [_kept(region, written, results) for region in document["regions"]],
    }


def _kept(region: Mapping[str, Any], written: Path, results: Path) -> Mapping[str, Any]:
    name = region.get("reference_image")
    if name is None or Path(name).is_absolute() or not (written / name).is_file():
        return region
    source = written / name
    with open_input(source, kind="picture", advice="choose the region's picture again") as file:
        content = file.read()
    digest = hashlib.sha256(content).hexdigest()[:16]
    goal = results / FOLDER_NAME / f"{digest}.png"
    if not goal.exists():
        with atomic_write(goal) as copy:
            copy.write(content)
    return {**region, "reference_image": str(goal)}
