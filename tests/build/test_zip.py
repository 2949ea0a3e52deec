"""The extension's zip: what it holds, the same bytes every time, valid in Blender's own eyes."""

from __future__ import annotations

import ast
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import engine
from building import extension
from building.environments import BPY, environments_folder, read_stamp
from building.extension import build_zip, manifest_version, validate_zip
from building.programs import CHECKOUT, BuildError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout with everything that must and must not be packed."""
    root = tmp_path / "checkout"
    for name in (
        "mixdiff_blender/__init__.py",
        "mixdiff_blender/regions/planes.py",
        "mixdiff_blender/__pycache__/__init__.cpython-311.pyc",
        "mixdiff_blender/.hidden",
        "engine/__init__.py",
        "engine/requirements.txt",
        "engine/contract/job.py",
        "engine/contract/__pycache__/job.cpython-311.pyc",
        "tests/test_nothing.py",
        "training/train.py",
        "LICENSE",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n")
    manifest = CHECKOUT / "blender_manifest.toml"
    (root / "blender_manifest.toml").write_text(manifest.read_text())
    monkeypatch.setenv("MIXDIFF_ENVIRONMENTS", str(environments_folder()))
    monkeypatch.setattr(extension, "CHECKOUT", root)
    return root


def test_the_zip_holds_the_package_the_engine_and_the_licence_and_nothing_else(
    checkout: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(build_zip(tmp_path)) as archive:
        assert archive.namelist() == [
            "LICENSE",
            "__init__.py",
            "blender_manifest.toml",
            "engine/__init__.py",
            "engine/contract/job.py",
            "engine/requirements.txt",
            "regions/planes.py",
        ]


def test_two_builds_of_the_same_files_give_the_same_bytes(checkout: Path, tmp_path: Path) -> None:
    first = build_zip(tmp_path / "first").read_bytes()
    for path in checkout.rglob("*.py"):
        path.touch()
    assert build_zip(tmp_path / "second").read_bytes() == first


def test_the_zip_is_named_after_the_manifests_version(checkout: Path, tmp_path: Path) -> None:
    assert build_zip(tmp_path).name == f"mixdiff-{manifest_version()}.zip"


def test_no_part_of_a_zip_is_left_when_building_fails(checkout: Path, tmp_path: Path) -> None:
    (checkout / "LICENSE").unlink()
    with pytest.raises(FileNotFoundError):
        build_zip(tmp_path / "dist")
    assert list((tmp_path / "dist").iterdir()) == []


def test_a_checkout_without_the_add_on_is_told_so(checkout: Path, tmp_path: Path) -> None:
    (checkout / "mixdiff_blender/__init__.py").unlink()
    with pytest.raises(BuildError, match=r"mixdiff_blender/__init__\.py is not there"):
        build_zip(tmp_path)


@pytest.fixture
def validator() -> None:
    if not any(read_stamp(environment) for environment in BPY):
        pytest.skip("no bpy wheel is installed")


@pytest.mark.blender
@pytest.mark.usefixtures("validator")
def test_blenders_own_validator_accepts_the_extension(extension_zip: Path) -> None:
    assert validate_zip(extension_zip)


@pytest.mark.blender
@pytest.mark.usefixtures("validator")
def test_blenders_own_validator_is_really_asked(checkout: Path, tmp_path: Path) -> None:
    manifest = checkout / "blender_manifest.toml"
    manifest.write_text(manifest.read_text().replace('"Render"', '"No such tag"'))
    archive = build_zip(tmp_path)
    with pytest.raises(BuildError, match="No such tag"):
        validate_zip(archive)


def test_the_manifest_and_the_engine_name_the_same_version() -> None:
    assert manifest_version() == engine.__version__


def test_the_manifest_says_where_to_read_more_and_what_is_fetched() -> None:
    manifest = tomllib.loads((CHECKOUT / "blender_manifest.toml").read_text())
    assert manifest["website"].startswith("https://")
    assert all(
        word in manifest["permissions"]["network"] for word in ("Python", "PyTorch", "model")
    )
    # The rules of Blender's extension platform, which the validator does not know in full.
    for text in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(text) <= 64
        assert text[-1].isalnum()


@pytest.mark.parametrize(
    "module", ["build.py", *CHECKOUT.glob("building/*.py")], ids=lambda path: Path(path).name
)
def test_build_needs_nothing_beyond_the_standard_library(module: str | Path) -> None:
    tree = ast.parse((CHECKOUT / module).read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert names - set(sys.stdlib_module_names) <= {"building", "tests"}
