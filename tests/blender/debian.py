"""Small Debian systems that hold a real Blender executable, for tests on Debian as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SUITES = {"blender-5.2": "sid", "blender-4.3": "trixie"}
FETCHES_MB = {"blender-5.2": 285, "blender-4.3": 307}
PACKAGES = (
    *("blender", "python3-numpy", "python3-requests", "python3-zstandard"),
    *("python3-venv", "python3-pip"),
    *("libegl1", "libgl1", "libgl1-mesa-dri", "libglx-mesa0", "libegl-mesa0"),
)
SUITE_PACKAGES = {"sid": ["python3-cattr"]}  # Blender 5.2's own extension command imports it
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# $1 is the root; everything mounted here disappears with the process.
_ENTER = """
set -e
root=$1; work=$2; shift 2
for d in proc sys dev; do mount --rbind "/$d" "$root/$d"; done
for f in /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt; do
  if [ -e "$root$f" ] && [ -e "$f" ]; then mount --bind "$f" "$root$f"; fi
done
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$root${1%/*}"; touch "$root$1"; fi
  mount --rbind "$1" "$root$1"; shift
done
shift
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$work" "$@"
"""


class DebianError(Exception):
    """A Debian system could not be made; the message says why."""


def cache_folder() -> Path:
    """Return where finished systems are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "mixdiff"


def obstacle() -> str | None:
    """Return why this machine cannot make and enter such systems, or None if it can."""
    if sys.platform == "win32" or not Path("/etc/debian_version").exists():
        return "a Blender in a Debian folder needs a Debian machine"
    if os.geteuid() != 0:
        return "a Blender in a Debian folder needs root (mount and chroot)"
    if not shutil.which("unshare"):
        return "a Blender in a Debian folder needs `unshare` (package util-linux)"
    return None


def command(
    root: Path, program: Sequence[str], *, folders: Sequence[Path] = (), work: Path | None = None
) -> list[str]:
    """Return the command that runs a program of a root, the named folders being the machine's own.

    The process keeps its id all the way, so that ending it ends the program.
    """
    seen = [str(folder) for folder in _outermost(folders)]
    enter = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", _ENTER, "enter"]
    return [*enter, str(root), str(work or "/"), *seen, "--", *program]


def environment(env: dict[str, str]) -> dict[str, str]:
    """Return the variables for a program inside a root: no paths that only hold outside."""
    inside = dict(env)
    inside["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    inside["LIBGL_ALWAYS_SOFTWARE"] = "1"
    inside["LC_ALL"] = inside["LANG"] = "C.UTF-8"
    inside.pop("LD_LIBRARY_PATH", None)
    return inside


def python_folders(python: Path) -> list[Path]:
    """Return what a virtual environment's interpreter needs to see: itself and its base."""
    folders = [python.parent.parent]
    base = python.resolve()
    if base.parent == Path("/usr/bin"):  # the system's own Python: not the whole of /usr
        return [*folders, base, Path("/usr/lib") / base.name]
    return [*folders, base.parent.parent]


def _outermost(folders: Sequence[Path]) -> list[Path]:
    kept: list[Path] = []
    for folder in sorted({folder.absolute() for folder in folders if folder.exists()}):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return kept


def _mirror() -> str:
    """Return the mirror that this machine's own package manager uses."""
    if named := os.environ.get("MIXDIFF_DEBIAN_MIRROR"):
        return named
    apt = Path("/etc/apt")
    sources = [*apt.glob("sources.list.d/*.sources"), *apt.glob("sources.list.d/*.list")]
    for source in [apt / "sources.list", *sorted(sources)]:
        for line in source.read_text().splitlines() if source.exists() else []:
            for word in line.split() if line.startswith(("URIs:", "deb ")) else []:
                if "://" in word and word.rstrip("/").endswith("/debian"):
                    return word
    raise DebianError("no Debian mirror in /etc/apt; name one in MIXDIFF_DEBIAN_MIRROR")


def _run(words: Sequence[str]) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        list(words),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-8:])
        raise DebianError(f"{words[0]} ended with exit code {done.returncode}:\n{tail}")


def ensure_root(suite: str) -> Path:
    """Return the root of a suite, built first if it is not there yet (about a minute, 1.4 GB).

    Raises:
        DebianError: the machine cannot do it, or a step failed.
    """
    if reason := obstacle():
        raise DebianError(reason)
    cache = cache_folder()
    root = cache / f"debian-{suite}"
    if root.exists():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f".debian-{suite}.lock"):
        if root.exists():  # somebody else made it while this process waited
            return root
        for left_behind in cache.glob(f".making-{suite}-*"):
            shutil.rmtree(left_behind)
        aside = Path(tempfile.mkdtemp(prefix=f".making-{suite}-", dir=cache))
        try:
            _fill(suite, aside)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        aside.chmod(0o755)
        aside.rename(root)
    return root


def _fill(suite: str, root: Path) -> None:
    if not shutil.which("debootstrap"):
        _run(["apt-get", "update"])
        _run(["apt-get", "install", "-y", "--no-install-recommends", "debootstrap"])
    private = ["unshare", "--mount", "--propagation", "private"]
    keys = [f"--keyring={KEYRING}"] if KEYRING.exists() else []
    options = ["--variant=minbase", "--include=ca-certificates", *keys]
    _run([*private, "debootstrap", *options, suite, str(root), _mirror()])
    mtab = root / "etc/mtab"
    mtab.unlink(missing_ok=True)
    mtab.symlink_to("/proc/mounts")
    (root / "etc/dpkg/dpkg.cfg.d/nodoc").write_text(
        "path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
    )
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    packages = [*PACKAGES, *SUITE_PACKAGES.get(suite, [])]
    _run(command(root, ["apt-get", "install", "-y", "--no-install-recommends", *packages]))
    for folder in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / folder, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build the named suites, so that a test run finds them ready."""
    for suite in sys.argv[1:] or SUITES.values():
        try:
            print(f"{suite}: {ensure_root(suite)}")
        except DebianError as error:
            print(f"{suite}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
