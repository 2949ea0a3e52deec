"""What keeps a checkout from being released is said, all of it at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from building import extension, verbs
from building.release import missing


def git(checkout: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=checkout, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that can be released as 1.2.0."""
    root = tmp_path / "checkout"
    for name, text in {
        "blender_manifest.toml": 'version = "1.2.0"\n',
        "engine/__init__.py": '"""Engine."""\n\n__version__ = "1.2.0"\n',
        "pyproject.toml": "[tool.x]\n",
        "README.md": "Install `dist/mixdiff-1.2.0.zip`.\n",
        "docs/installing.md": "See the zip.\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.0 (2026-11-30)\n\n- New.\n\n## 1.1.0\n\n- Old.\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "--quiet")
    commit_and_tag(root)
    return root


def commit_and_tag(root: Path) -> None:
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(root, "tag", "--force", "-a", "v1.2.0", "-m", "x")


def test_a_checkout_with_everything_in_place_can_be_released(checkout: Path) -> None:
    assert missing(checkout, "1.2.0") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("engine/__init__.py", "1.2.0", "1.1.9", "engine/__init__.py says 1.1.9, blender_manifest"),
        ("engine/__init__.py", "__version__", "version", "engine/__init__.py says no version"),
        ("pyproject.toml", "[tool.x]", '[project]\nversion = "1"', "pyproject.toml says 1,"),
        ("README.md", "1.2.0", "1.1.0", "README.md says 1.1.0"),
        ("docs/installing.md", "the zip", "mixdiff-1.1.0.zip", "docs/installing.md says 1.1.0"),
        ("CHANGELOG.md", "2026-11-30", "unreleased", "dates 1.2.0 'unreleased'; write `## 1.2.0 ("),
        ("CHANGELOG.md", " (2026-11-30)", "", "dates 1.2.0 not at all; write"),
        ("CHANGELOG.md", "- New.", "", "says nothing of what changed in 1.2.0"),
        ("CHANGELOG.md", "## 1.2", "## Unreleased\n\n- More.\n\n## 1.2", "has lines under Unrel"),
        ("CHANGELOG.md", "1.2.0", "1.3.0", "has no section `## 1.2.0 (YYYY-MM-DD)`"),
    ],
)
def test_each_thing_that_is_not_in_place_is_named(
    checkout: Path, file: str, old: str, new: str, says: str
) -> None:
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))
    commit_and_tag(checkout)
    assert any(says in problem for problem in missing(checkout, "1.2.0"))


def test_an_empty_section_for_what_comes_next_is_no_obstacle(checkout: Path) -> None:
    log = checkout / "CHANGELOG.md"
    log.write_text(log.read_text().replace("## 1.2", "## Unreleased\n\n## 1.2"))
    commit_and_tag(checkout)
    assert missing(checkout, "1.2.0") == []


def test_what_is_not_committed_or_not_tagged_is_named(checkout: Path) -> None:
    (checkout / "new.txt").touch()
    assert missing(checkout, "1.2.0") == ["git: 1 files are not committed"]
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "x")
    (moved,) = missing(checkout, "1.2.0")
    assert "the tag v1.2.0 leads to" in moved
    git(checkout, "tag", "--delete", "v1.2.0")
    (untagged,) = missing(checkout, "1.2.0")
    assert "there is no tag v1.2.0" in untagged
    assert "`git tag -a v1.2.0 -m 'MixDiff 1.2.0'`" in untagged


def test_the_verb_says_everything_at_once_and_makes_nothing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "engine/__init__.py").write_text("")
    (checkout / "CHANGELOG.md").write_text("# Changelog\n")
    monkeypatch.setattr(verbs, "CHECKOUT", checkout)
    monkeypatch.setattr(extension, "CHECKOUT", checkout)
    assert verbs.main(["release", str(checkout / "site")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("build.py release: 1.2.0 cannot be released yet:\n  - engine/__init__")
    assert said.count("\n  - ") == 3
    assert not (checkout / "site").exists()
