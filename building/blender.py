"""A Blender for the demo, and the shared libraries that it needs."""

from __future__ import annotations

import ctypes
import functools
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from building.environments import (
    BPY,
    ENGINE,
    Environment,
    environments_folder,
    make_environments,
)
from building.fetching import Download, announce
from building.programs import BuildError, run, say

if TYPE_CHECKING:
    from tests.blender.hosts import Host

OLDEST_BLENDER, NEWEST_BLENDER = (4, 2), (5, 2)

# The shared libraries that Blender loads, and the Debian packages that hold them.
BLENDER_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libICE.so.6": "libice6",
    "libSM.so.6": "libsm6",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libgomp.so.1": "libgomp1",
}


def missing_libraries() -> list[str]:
    """Return the shared libraries that Blender loads and this machine does not have."""
    if sys.platform != "linux":
        return []

    def lacks(name: str) -> bool:
        try:
            ctypes.CDLL(name)
        except OSError:
            return True
        return False

    return [name for name in BLENDER_LIBRARIES if lacks(name)]


def ensure_libraries() -> None:
    """Install the shared libraries that Blender needs where we may, or say what to install.

    Raises:
        BuildError: some are missing, and this is no Debian or we are not root.
    """
    if not (missing := missing_libraries()):
        return
    command = [
        *("apt-get", "install", "-y", "--no-install-recommends"),
        *(BLENDER_LIBRARIES[name] for name in missing),
    ]
    if sys.platform == "win32" or os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BuildError(
            f"Blender needs the shared libraries {', '.join(missing)}, which are not installed; "
            f"on Debian or Ubuntu `sudo {shlex.join(command)}` installs them."
        )
    say("blender: apt-get fetches its lists of packages (some 10 MB)")
    run(["apt-get", "update"])
    files = run([*command, "--print-uris"]).splitlines()  # 'URI' NAME BYTES HASH
    fetched = sum(int(line.split()[2]) for line in files if line.startswith("'"))
    libraries = f"{len(missing)} system libraries and what they need"
    announce([Download(what=libraries, mb=round(fetched / 10**6))])
    run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def demo_host(work: Path) -> Host:
    """Return a Blender for the demo: one on the PATH if it suits, else a bpy wheel."""
    from tests.blender import hosts

    find = functools.partial(
        hosts.find_host,
        environments=environments_folder(),
        engine_python=ENGINE.python,
        work=work,
    )
    try:
        host = find(hosts.PATH_NAME)
    except hosts.HostMissingError as error:
        say(f"blender: {error}; a bpy wheel is used")
    else:
        if OLDEST_BLENDER <= host.version <= NEWEST_BLENDER:
            return host
        version = ".".join(map(str, host.version))
        say(f"blender: {host.program} is {version}, not 4.2 to 5.2; a bpy wheel is used")
    ensure_libraries()
    wheel = wheel_for_this()
    make_environments([wheel])
    return find(wheel.name)


def wheel_for_this() -> Environment:
    """Return the newest bpy wheel that the running Python can hold, else that of Python 3.11."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    wheels = {wheel.name: wheel for wheel in BPY}
    return wheels["bpy-5.2" if running == "3.13" else "bpy-4.5"]


def announce_executables() -> None:
    """Say which Blender executables the tests fetch when one first needs them."""
    from tests.blender import debian

    if not debian.obstacle():
        announce(
            [
                Download(what=f"{name} for its first test, kept in {debian.cache_folder()}", mb=mb)
                for name, mb in debian.FETCHES_MB.items()
                if not (debian.cache_folder() / f"debian-{debian.SUITES[name]}").exists()
            ]
        )
