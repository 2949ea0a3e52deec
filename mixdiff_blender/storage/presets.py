"""Presets as files: those that come along, and a person's own in the extension's folder."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..contract import PRESET_SUFFIX, EngineError, PresetFile, read_preset
from . import folders

_LOOK_EVERY_S = 2.0
_LONGEST_STEM = 40
_COMING_ALONG = Path(__file__).parents[1] / "presets"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPreset:
    """A preset that can be chosen by its name."""

    file: PresetFile
    path: Path
    is_own: bool
    """Whether a person made or imported it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPresets:
    """All presets by their names, and why some files are none."""

    by_name: Mapping[str, KnownPreset]
    """Those that come along first; one of a person's own takes the place of its namesake."""
    faults: tuple[str, ...]


def known_presets() -> KnownPresets:
    """Return all presets, looked up every few seconds at most: panels ask at each redraw."""
    return _known_at(time.monotonic() // _LOOK_EVERY_S, own_folder())


@lru_cache(maxsize=1)
def _known_at(moment: float, own: Path) -> KnownPresets:
    by_name, faults = dict[str, KnownPreset](), list[str]()
    for folder in (_COMING_ALONG, own):
        for path in sorted(folder.glob(f"*{PRESET_SUFFIX}")):
            try:
                file = read_preset(path)
            except EngineError as error:
                faults.append(str(error))
            else:
                known = KnownPreset(file=file, path=path, is_own=folder == own)
                by_name[file.preset.name] = known
    return KnownPresets(by_name=by_name, faults=tuple(faults))


look_again = _known_at.cache_clear
"""Has `known_presets` look anew."""


def own_folder() -> Path:
    """Return where a person's own presets are, there or not."""
    return folders.user_folder() / "presets"


def save(file: PresetFile, *, replace: bool = False) -> Path:
    """Keep a preset under its name, and return its file.

    Raises: EngineError of kind `preset` where the name is taken, unless it replaces that one; of
    kind `output` where it cannot be written.
    """
    look_again()
    name = file.preset.name
    if name in known_presets().by_name and not replace:
        advice = "choose another name, or replace it"
        raise EngineError(f"there is a preset {name!r} already", kind="preset", advice=advice)
    return _write(file)


def take_in(path: Path) -> PresetFile:
    """Keep a preset from a file among a person's own; another's name gets a number.

    Raises: EngineError of kind `preset` where the file is none; of kind `output`.
    """
    file = read_preset(path)
    look_again()
    known, name = known_presets().by_name, file.preset.name
    for number in itertools.count(2):
        there = known.get(file.preset.name)
        if there is None:
            _write(file)
            return file
        if there.file.document == file.document:
            return file
        file = file.named(f"{name} {number}")
    raise AssertionError


def remove(name: str) -> None:
    """Remove one of a person's own presets.

    Raises: EngineError of kind `preset` where it is none of those; of kind `output`.
    """
    look_again()
    known = known_presets().by_name.get(name)
    if known is None or not known.is_own:
        what = "comes with MixDiff" if known else "is not there"
        raise EngineError(f"the preset {name!r} {what}", kind="preset", advice="choose your own")
    try:
        known.path.unlink(missing_ok=True)
    except OSError as error:
        raise EngineError(
            f"{known.path} cannot be removed: {error.strerror or error}",
            kind="output",
            advice="allow writing in its folder",
        ) from error
    finally:
        look_again()


def _write(file: PresetFile) -> Path:
    known = known_presets().by_name.get(file.preset.name)
    path = known.path if known and known.is_own else _free_path(file.preset.name)
    file.write(path)
    look_again()
    return path


def _free_path(name: str) -> Path:
    words = re.sub(r"\W+", "-", name.casefold()).strip("-")[:_LONGEST_STEM]
    # The word before them keeps a name from being one that Windows reserves, such as "con".
    stem = own_folder() / f"style-{words}"
    numbers = itertools.chain([""], itertools.count(2))
    paths = (Path(f"{stem}{number}{PRESET_SUFFIX}") for number in numbers)
    return next(path for path in paths if not path.exists())
