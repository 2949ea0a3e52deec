"""The site: one index for Blender, the newest zip in it, a page to drag it from."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from building.extension import extension_tool, manifest_version
from building.programs import BuildError
from building.site import make_site


def as_version(archive: Path, version: str, folder: Path) -> Path:
    """Return a copy of the extension's zip that says it is another version."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"mixdiff-{version}.zip"
    ours = f'version = "{manifest_version()}"'
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "blender_manifest.toml":
                content = content.replace(ours.encode(), f'version = "{version}"'.encode())
            new.writestr(name, content)
    return copy


@pytest.fixture
def generator(require_hosts: bool) -> list[str | Path]:
    if not (found := extension_tool()):
        if require_hosts:
            pytest.fail("no bpy wheel is installed")
        pytest.skip("no bpy wheel is installed")
    return found[0]


@pytest.mark.blender
def test_the_site_has_an_index_the_zip_and_a_page_with_the_link_that_blender_takes(
    extension_zip: Path, tmp_path: Path, generator: list[str | Path]
) -> None:
    page = make_site(tmp_path / "my site", extension_zip, generator)
    listed = json.loads(page.with_name("index.json").read_text())["data"]
    assert [item["archive_url"] for item in listed] == [f"./{extension_zip.name}"]
    assert page.with_name(extension_zip.name).read_bytes() == extension_zip.read_bytes()
    text = page.read_text()
    link = rf'href="\./{extension_zip.name}\?repository=\.%2Findex\.json&blender_version_min=4\.2'
    assert re.search(link, text)
    assert "${" not in text
    assert "Earlier versions" not in text


@pytest.mark.blender
def test_a_later_version_takes_the_place_and_the_earlier_one_stays_reachable(
    extension_zip: Path, tmp_path: Path, generator: list[str | Path]
) -> None:
    for version in ("0.9.0", "0.10.0", "0.11.0"):  # in their order as numbers, not as words
        page = make_site(tmp_path / "site", as_version(extension_zip, version, tmp_path), generator)
    listed = json.loads(page.with_name("index.json").read_text())["data"]
    assert [item["version"] for item in listed] == ["0.11.0"]
    links = re.findall(r'href="(earlier/[^"]*)"', page.read_text())
    assert links == ["earlier/mixdiff-0.10.0.zip", "earlier/mixdiff-0.9.0.zip"]
    assert all((page.parent / link).is_file() for link in links)


def test_nobody_who_subscribed_is_sent_back_to_an_earlier_version(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "mixdiff-0.10.0.zip").touch()
    earlier = tmp_path / "mixdiff-0.9.0.zip"
    earlier.touch()
    with pytest.raises(BuildError, match=r"already holds mixdiff-0\.10\.0\.zip, later than"):
        make_site(site, earlier, ["never", "run"])
    assert [path.name for path in site.iterdir()] == ["mixdiff-0.10.0.zip"]


def test_a_zip_that_is_none_of_the_extensions_is_named(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    shutil.copyfile(__file__, tmp_path / "site/mixdiff-new.zip")
    with pytest.raises(BuildError, match=r"mixdiff-new\.zip is not named mixdiff-MAJOR"):
        make_site(tmp_path / "site", tmp_path / "mixdiff-0.9.0.zip", ["never", "run"])
