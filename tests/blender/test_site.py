"""Blender subscribes to the site: installs from it, and updates when a later version is there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from building.extension import manifest_version
from building.site import make_site
from tests.blender import debian
from tests.blender.hosts import Host, HostRun
from tests.build.test_site import as_version


def test_blender_installs_from_the_site_that_it_made_and_updates_from_it(
    executable_host: Host, extension_zip: Path, tmp_path: Path
) -> None:
    generator: list[str | Path] = [executable_host.program, "-b", "--command", "extension"]
    if executable_host.root:
        words = [str(word) for word in generator]
        generator = [
            *debian.command(executable_host.root, words, folders=[Path(tempfile.gettempdir())])
        ]
    site = make_site(tmp_path / "my site", extension_zip, generator).parent
    resources = executable_host.user_resources()

    def extension(*words: str) -> HostRun:
        return executable_host.run_cli(
            # Online only as Blender has it: the one repository is a folder of this machine.
            *("--online-mode", "--command", "extension", *words),
            user_resources=resources,
            blend=site / "index.json",
        )

    def installed() -> str:
        manifest = next(resources.glob("extensions/site/mixdiff/blender_manifest.toml"))
        return next(line for line in manifest.read_text().splitlines() if "version" in line[:8])

    url = (site / "index.json").as_uri()
    extension("repo-add", "--clear-all", "--name", "MixDiff", "--url", url, "site").check()
    run = extension("install", "--sync", "--enable", "mixdiff")
    assert run.returncode == 0, run.output
    assert installed() == f'version = "{manifest_version()}"'
    make_site(site, as_version(extension_zip, "9.0.0", tmp_path), generator)
    run = extension("update", "--sync")
    assert run.returncode == 0, run.output
    assert installed() == 'version = "9.0.0"', run.output
    run = executable_host.run_cli("-c", "mixdiff", "setup", "--check", user_resources=resources)
    assert "engine: " in run.stdout, run.output
