"""What `build.py VERB` does."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from building import release as releasing
from building.blender import announce_executables, demo_host, ensure_libraries, wheel_for_this
from building.environments import BPY, ENGINE, ENGINE_DEV, TORCH, make_environments
from building.extension import build_zip, extension_tool, manifest_version, validate_zip
from building.programs import CHECKOUT, BuildError, run, say, show
from building.site import make_site

DIST = CHECKOUT / "dist"
LINK_MARK = ".linked-by-build.txt"
DEMO_TIMEOUT_S = 3600


def demo() -> int:
    """Generate and render the example scene in a Blender, and say where the results are."""
    from tests.blender.hosts import HostFailedError, HostTimeoutError

    make_environments([ENGINE])
    output = CHECKOUT / "demo"
    output.mkdir(exist_ok=True)
    results = [output / "demo.png", output / "demo.blend"]
    for result in results:
        result.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="mixdiff-demo-") as folder:
        host = demo_host(Path(folder))
        say(f"demo: opening examples/street.blend in {host.name}")
        try:
            done = host.run_python(
                CHECKOUT / "examples/demo.py",
                *("--output-folder", output),
                extension_zip=build_zip(DIST),
                blend=CHECKOUT / "examples/street.blend",
                timeout_s=DEMO_TIMEOUT_S,
                show=True,
            )
        except (HostFailedError, HostTimeoutError) as error:
            raise BuildError(f"the demo in {host.name} failed: {error}") from error
    missing = [str(result) for result in results if not result.is_file()]
    if done.returncode != 0 or missing:
        printed = "\n".join(f"    {line}" for line in done.stdout.splitlines()[-12:])
        raise BuildError(
            f"the demo in {host.name} ended with exit code {done.returncode}"
            + (f" and without {' and '.join(missing)}" if missing else "")
            + f"; the lines above say why. Blender's own last lines were:\n{printed}"
        )
    for result in results:
        say(str(result))
    return 0


def test(arguments: Sequence[str]) -> int:
    """Run the tests, with every Blender that this machine can have."""
    ensure_libraries()
    left_out = make_environments([ENGINE_DEV, *BPY], optional=BPY)
    ready = ", ".join(wheel.name for wheel in BPY if wheel.name not in left_out)
    say(f"test: hosts ready: {ready or 'none'}")
    announce_executables()
    return show([ENGINE_DEV.python, "-m", "pytest", *arguments])


def check() -> int:
    """Run the linters, the type checker and the import rules, all of them."""
    make_environments([ENGINE_DEV])
    python, linter = ENGINE_DEV.python, ENGINE_DEV.python.with_name("lint-imports")
    tools: dict[str, list[str | Path]] = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [linter],
    }
    failed = []
    for name, command in tools.items():
        say(f"check: {name}")
        if show(command) != 0:
            failed.append(name)
    if failed:
        raise BuildError(f"{' and '.join(failed)} found something; see above.")
    return 0


def pack() -> int:
    """Build the extension's zip and let Blender's own validator judge it."""
    archive = build_zip(DIST)
    if not validate_zip(archive):
        say("zip: not validated, for want of a bpy wheel; `build.py site` installs one")
    say(str(archive))
    return 0


def site(folder: Path | None) -> int:
    """Make the folder that Blender subscribes to, or add this version to it."""
    if not extension_tool():  # Blender's own generator comes along in a wheel
        make_environments([wheel_for_this()])
    found = extension_tool()
    assert found
    archive = build_zip(DIST)
    validate_zip(archive)
    say(str(make_site((folder or DIST / "site").absolute(), archive, found[0])))
    return 0


def release(folder: Path | None) -> int:
    """Say what keeps this checkout from being released, or make its zip and its site."""
    version = manifest_version()
    if problems := releasing.missing(CHECKOUT, version):
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise BuildError(f"{version} cannot be released yet:\n{listed}")
    say(f"release: {version}; put the site's folder on any web server, the zip beside the tag")
    say(str(DIST / f"mixdiff-{version}.zip"))
    return site(folder)


def lock() -> int:
    """Fix the engine's packages at versions and hashes, for every platform; needs uv."""
    say("lock: uv asks the package index for some megabytes of metadata; no package is fetched")
    pure = ["filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions"]
    packages, torch = CHECKOUT / "engine/requirements.lock", CHECKOUT / "engine/torch.lock"
    compile_them: list[str | Path] = ["uv", "pip", "compile", "--quiet", "--universal"]
    compile_them += ["--python-version", "3.11", "--generate-hashes", "--no-header"]
    compile_them += ["--no-annotate"]
    with tempfile.TemporaryDirectory(prefix="mixdiff-lock-") as name:
        wanted, without_torch = Path(name) / "wanted.in", Path(name) / "overrides.txt"
        # What torch needs and every build of it shares; torch itself has a lock of its own.
        wanted.write_text("\n".join([f"-r {CHECKOUT / 'engine/requirements.txt'}", *pure]) + "\n")
        without_torch.write_text("torch ; sys_platform == 'never'\n")
        options = ["--no-emit-package", "torch", "--overrides", str(without_torch)]
        run([*compile_them, *options, wanted, "-o", packages])
        # The build that PyPI has, with NVIDIA's libraries for Linux. engine/torch-cpu.lock is of
        # another index, and is written by hand.
        wanted.write_text(TORCH + "\n")
        shared = [*pure, "markupsafe", "mpmath"]
        options = [word for package in shared for word in ("--no-emit-package", package)]
        run([*compile_them, *options, "-c", packages, wanted, "-o", torch])
        ray = CHECKOUT / "engine/ray.lock"
        run([*compile_them, "-c", packages, CHECKOUT / "engine/requirements-ray.txt", "-o", ray])
    say(f"{packages}\n{torch}\n{ray}")
    return 0


def link(folder: Path | None) -> int:
    """Make the checkout a development extension of a Blender, by links into its repository."""
    repository = folder or user_default_repository()
    target = repository / "mixdiff"
    if target.is_symlink() or (target.exists() and not (target / LINK_MARK).exists()):
        raise BuildError(f"{target} is an installed extension; remove it in Blender first.")
    if target.exists():
        shutil.rmtree(target)  # takes the links away, not what they lead to
    target.mkdir(parents=True)
    (target / LINK_MARK).write_text(f"Links into {CHECKOUT}, made by `build.py link`.\n")
    sources = [CHECKOUT / name for name in ("blender_manifest.toml", "LICENSE", "engine")]
    for source in [*sources, *sorted((CHECKOUT / "mixdiff_blender").iterdir())]:
        if source.name != "__pycache__":
            (target / source.name).symlink_to(source, target_is_directory=source.is_dir())
    say(f"{target} leads to this checkout; run this again after adding a module")
    return 0


def user_default_repository() -> Path:
    """Ask the Blender on the PATH where its own extensions live."""
    blender = os.environ.get("MIXDIFF_BLENDER") or shutil.which("blender")
    if not blender:
        raise BuildError(
            "there is no `blender` on the PATH; name its extension repository, for example "
            "`build.py link ~/.config/blender/4.5/extensions/user_default`."
        )
    code = "import bpy; print('AT', bpy.utils.user_resource('EXTENSIONS', path='user_default'))"
    printed = run([blender, "-b", "--factory-startup", "--python-expr", code])
    found = [line[3:] for line in printed.splitlines() if line.startswith("AT ")]
    if not found:
        raise BuildError(f"{blender} did not say where its extensions live; name the folder.")
    return Path(found[0])


def clean(everything: bool) -> int:
    """Remove what the verbs made; the environments too if everything is to go."""
    names = ["dist", "demo", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]
    names += [".import_linter_cache", *([".environments"] if everything else [])]
    folders = [CHECKOUT / name for name in names]
    for part in (
        "mixdiff_blender",
        "engine",
        "building",
        "tests",
        "training",
        "benchmarks",
        "examples",
    ):
        folders += (CHECKOUT / part).rglob("__pycache__")
    for folder in (*folders, CHECKOUT / "__pycache__"):
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(
        prog="build.py",
        description="The verbs of the project. Each says what it fetches before it does.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("demo", help="generate and render the example scene in a Blender")
    verbs.add_parser("test", help="run the tests; further arguments go to pytest", add_help=False)
    verbs.add_parser("check", help="run ruff, mypy and import-linter")
    verbs.add_parser("zip", help="build dist/mixdiff-VERSION.zip")
    site_parser = verbs.add_parser("site", help="make the static folder that Blender subscribes to")
    release_parser = verbs.add_parser(
        "release", help="check versions, changelog and tag; then make the zip and the site"
    )
    for parser_of_site in (site_parser, release_parser):
        parser_of_site.add_argument(
            "folder", nargs="?", type=Path, help="the site so far, or a new folder (dist/site)"
        )
    verbs.add_parser("lock", help="fix the versions and hashes of the engine's packages")
    link_parser = verbs.add_parser("link", help="use this checkout as an extension in a Blender")
    link_parser.add_argument("folder", nargs="?", type=Path, help="a repository's folder")
    clean_parser = verbs.add_parser("clean", help="remove what the verbs made")
    clean_parser.add_argument("--all", action="store_true", help="the environments too")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run one verb and return its exit code."""
    parser = build_parser()
    chosen, rest = parser.parse_known_args(arguments)
    if rest and chosen.verb != "test":
        parser.error(f"{chosen.verb} takes no {rest[0]}")
    actions: dict[str, Callable[[], int]] = {
        "demo": demo,
        "test": lambda: test(rest),
        "check": check,
        "zip": pack,
        "site": lambda: site(chosen.folder),
        "release": lambda: release(chosen.folder),
        "lock": lock,
        "link": lambda: link(chosen.folder),
        "clean": lambda: clean(chosen.all),
    }
    try:
        return actions[chosen.verb]()
    except BuildError as error:
        print(f"build.py {chosen.verb}: {error}", file=sys.stderr)
        return 1
