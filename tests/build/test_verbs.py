"""The verbs: clear errors, links, cleaning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from building import blender, extension
from building import verbs as build
from building.programs import CHECKOUT, BuildError, run
from tests.blender import debian


def test_a_failing_program_is_one_sentence_with_its_last_lines() -> None:
    code = "for n in range(40): print('line', n)\nraise SystemExit(3)"
    with pytest.raises(BuildError) as caught:
        run([sys.executable, "-c", code])
    message = str(caught.value)
    assert "ended with exit code 3; its last lines were:" in message
    assert "line 39" in message
    assert "line 20" not in message


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(BuildError, match="`no-such-program --help` could not start"):
        run(["no-such-program", "--help"])


def test_an_error_goes_to_stderr_without_a_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension, "CHECKOUT", tmp_path)
    assert build.main(["zip"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("build.py zip: mixdiff_blender/__init__.py is not there")
    assert "Traceback" not in captured.err


@pytest.mark.parametrize("arguments", [[], ["tset"], ["zip", "--fast"]])
def test_a_wrong_verb_or_argument_ends_with_exit_code_2(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, CHECKOUT / "build.py", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "usage: build.py" in done.stderr


@pytest.mark.parametrize("page", [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md")], ids=str)
def test_every_verb_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"build\.py ([a-z]+)", page.read_text())
    for verb in named:
        build.build_parser().parse_known_args([verb])


def test_pytest_gets_the_arguments_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[str]] = []

    def show(command: list[str | Path]) -> int:
        shown.append([str(word) for word in command[1:]])
        return 5

    monkeypatch.setattr(build, "ensure_libraries", lambda: None)
    monkeypatch.setattr(build, "make_environments", lambda *_, **__: set())
    monkeypatch.setattr(build, "show", show)
    assert build.main(["test", "-k", "zip or link", "-x", "tests/build"]) == 5
    assert shown == [["-m", "pytest", "-k", "zip or link", "-x", "tests/build"]]


def test_what_apt_fetches_is_said_before_it_installs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []

    def apt(command: list[str], **_: object) -> str:
        done.append(command[-1])
        if command[-1] == "update":
            return ""
        if command[-1] != "--print-uris":
            assert "(14 MB)" in capsys.readouterr().out
            return ""
        return (
            "Reading package lists...\n"
            "'http://mirror/libegl1.deb' libegl1.deb 4000000 SHA256:00\n"
            "'http://mirror/mesa.deb' mesa.deb 9600000 SHA256:00\n"
        )

    monkeypatch.setattr(blender, "missing_libraries", lambda: ["libEGL.so.1"])
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(blender, "run", apt)
    blender.ensure_libraries()
    assert done == ["update", "--print-uris", "libegl1"]


def test_blenders_that_are_fetched_when_first_needed_are_announced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "obstacle", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "mixdiff/debian-sid").mkdir(parents=True)
    blender.announce_executables()
    (line,) = capsys.readouterr().out.splitlines()
    assert "blender-4.3" in line
    assert "(307 MB)" in line
    assert "blender-5.2" not in line


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    for name in ("mixdiff_blender/__init__.py", "engine/__init__.py", "dist/mixdiff-0.zip"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name in ("blender_manifest.toml", "LICENSE"):
        (root / name).touch()
    monkeypatch.setattr(build, "CHECKOUT", root)
    return root


def test_link_lays_the_checkout_out_as_the_zip_does(checkout: Path, tmp_path: Path) -> None:
    repository = tmp_path / "user_default"
    for _ in range(2):
        assert build.main(["link", str(repository)]) == 0
    linked = repository / "mixdiff"
    names = {path.name for path in linked.iterdir()} - {build.LINK_MARK}
    assert names == {"LICENSE", "__init__.py", "blender_manifest.toml", "engine"}
    assert (linked / "engine").resolve() == checkout / "engine"
    assert (checkout / "mixdiff_blender/__init__.py").exists()


def test_link_never_replaces_an_installed_extension(checkout: Path, tmp_path: Path) -> None:
    installed = tmp_path / "user_default/mixdiff/__init__.py"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert build.main(["link", str(tmp_path / "user_default")]) == 1
    assert installed.exists()


def test_clean_keeps_the_sources_and_unless_asked_the_environments(checkout: Path) -> None:
    environment = checkout / ".environments/engine"
    environment.mkdir(parents=True)
    (checkout / "engine/__pycache__").mkdir()
    build.main(["clean"])
    assert not (checkout / "dist").exists()
    assert not (checkout / "engine/__pycache__").exists()
    assert environment.exists()
    build.main(["clean", "--all"])
    assert not environment.exists()
    assert (checkout / "engine/__init__.py").exists()


def test_missing_system_libraries_name_the_debian_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blender, "missing_libraries", lambda: ["libEGL.so.1", "libXi.so.6"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(BuildError, match=r"apt-get install .*libegl1 libxi6"):
        blender.ensure_libraries()
