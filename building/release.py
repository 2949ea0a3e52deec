"""What stands between this checkout and a release of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from building.programs import run

_HEADING = re.compile(r"^## (\S+)(?: \((.*)\))?$", re.MULTILINE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def missing(checkout: Path, version: str) -> list[str]:
    """Return all that keeps a checkout from being released, with what to do about each."""
    return [*_versions(checkout, version), *_changelog(checkout, version), *_git(checkout, version)]


def _versions(checkout: Path, version: str) -> list[str]:
    """The version stands in several places, which must agree with the manifest's."""
    stated: list[tuple[str, str | None]] = [("engine/__init__.py", _engine_version(checkout))]
    pyproject = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    if "project" in pyproject:
        stated.append(("pyproject.toml", pyproject["project"].get("version")))
    for page in [checkout / "README.md", *sorted((checkout / "docs").glob("*.md"))]:
        for named in re.findall(r"mixdiff-(\d+\.\d+\.\d+)\.zip", page.read_text(encoding="utf-8")):
            stated.append((page.relative_to(checkout).as_posix(), named))
    return [
        f"{place} says {other or 'no version'}, blender_manifest.toml {version}"
        for place, other in stated
        if other != version
    ]


def _engine_version(checkout: Path) -> str | None:
    text = (checkout / "engine/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.*)"$', text, re.MULTILINE)
    return found[1] if found else None


def _changelog(checkout: Path, version: str) -> list[str]:
    """The version's section has a date and lines, and no lines wait in one above it."""
    pieces = _HEADING.split((checkout / "CHANGELOG.md").read_text(encoding="utf-8"))[1:]
    wanted = f"`## {version} (YYYY-MM-DD)`"
    problems = []
    for name, note, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        if name != version:
            if body.strip():
                problems.append(f"CHANGELOG.md has lines under {name}, above {version}; move them")
            continue
        if not _DATE.fullmatch(note or ""):
            found = repr(note) if note else "not at all"
            problems.append(f"CHANGELOG.md dates {version} {found}; write {wanted}")
        if not body.strip():
            problems.append(f"CHANGELOG.md says nothing of what changed in {version}")
        return problems
    return [f"CHANGELOG.md has no section {wanted}"]


def _git(checkout: Path, version: str) -> list[str]:
    """Everything is committed, and the version's tag leads to this commit and to no other."""

    def ask(*words: str) -> str:
        return run(["git", *words], cwd=checkout).strip()

    tag = f"v{version}"
    problems = []
    if changed := ask("status", "--porcelain"):
        problems.append(f"git: {len(changed.splitlines())} files are not committed")
    if not ask("tag", "--list", tag):
        make_it = f"`git tag -a {tag} -m 'MixDiff {version}'`"
        problems.append(f"git: there is no tag {tag}; when all else is done, {make_it}")
    elif (tagged := ask("rev-list", "-n", "1", tag)) != ask("rev-parse", "HEAD"):
        problems.append(
            f"git: the tag {tag} leads to {tagged[:9]}, not to this commit; a version that was "
            "released stays as it is: raise it in blender_manifest.toml and engine/__init__.py"
        )
    return problems
