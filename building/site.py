"""The static folder that Blender subscribes to: its index, the zip, a page to drag it from."""

from __future__ import annotations

import html
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from building.programs import BuildError, run

TEMPLATE = Path(__file__).with_name("site.html")
EARLIER = "earlier"
_ZIP = re.compile(r"mixdiff-(\d+)\.(\d+)\.(\d+)\.zip")


def version_of(archive: Path) -> tuple[int, ...]:
    """Return the version that a zip's name says.

    Raises:
        BuildError: it is none of the extension's.
    """
    if not (found := _ZIP.fullmatch(archive.name)):
        raise BuildError(f"{archive} is not named mixdiff-MAJOR.MINOR.PATCH.zip.")
    return tuple(map(int, found.groups()))


def make_site(folder: Path, archive: Path, generator: Sequence[str | Path]) -> Path:
    """Add a version to a site, which is made where there is none, and return its page.

    Blender's index has one entry an extension: the zips of earlier versions move to `earlier/`,
    where the page links them.

    Args:
        folder: the site's.
        archive: the zip of the new version.
        generator: the command that has Blender's `server-generate`.

    Raises:
        BuildError: the site holds a later version already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    earlier = folder / EARLIER
    for there in sorted(folder.glob("mixdiff-*.zip")):
        if version_of(there) > version_of(archive):
            raise BuildError(
                f"{folder} already holds {there.name}, later than {archive.name}: those who "
                "subscribed would get an older version. Name another folder."
            )
        if there.name != archive.name:
            earlier.mkdir(exist_ok=True)
            there.replace(earlier / there.name)
    shutil.copyfile(archive, folder / archive.name)
    zips = sorted(earlier.glob("mixdiff-*.zip"), key=version_of, reverse=True)
    with tempfile.TemporaryDirectory(prefix="mixdiff-site-") as name:
        template = Path(name) / "page.html"
        page = TEMPLATE.read_text(encoding="utf-8")
        template.write_text(page.replace("<!-- earlier -->", _listed(zips)), encoding="utf-8")
        run(
            [
                *(*generator, "server-generate", "--repo-dir", folder),
                *("--html", "--html-template", template),
            ]
        )
    return folder / "index.html"


def _listed(zips: Sequence[Path]) -> str:
    if not zips:
        return ""
    names = [html.escape(path.name) for path in zips]
    rows = [f'  <li><a href="{EARLIER}/{name}">{name}</a></li>' for name in names]
    return "\n".join(["<h2>Earlier versions</h2>", "<ul>", *rows, "</ul>"])
