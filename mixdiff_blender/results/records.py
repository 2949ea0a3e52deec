"""What a result's file says: when it was made; and its job, seen from another folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any


def moved_job(job: Mapping[str, Any], old_folder: Path, new_folder: Path) -> dict[str, Any]:
    """Return a job with its relative paths seen from another folder.

    What lies below the old folder is taken to come along.
    """

    def seen(name: Any) -> Any:
        if not isinstance(name, str) or Path(name).is_absolute():
            return name
        target = Path(os.path.normpath(old_folder / name))
        if target.is_relative_to(old_folder) or not target.exists():
            return name
        try:
            return Path(os.path.relpath(target, new_folder)).as_posix()
        except ValueError:  # another drive of Windows
            return str(target)

    regions = [
        {**region, "reference_image": seen(region["reference_image"])}
        if "reference_image" in region
        else region
        for region in job.get("regions", ())
    ]
    return {**job, "regions": regions, "model": seen(job.get("model"))}


def made_at(path: Path) -> str:
    """Return when a file was written, as ISO 8601 has it."""
    return datetime.fromtimestamp(path.stat().st_mtime).isoformat(timespec="seconds")
