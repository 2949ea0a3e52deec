"""Each Blender starts, is the version it says it is, and takes the extension."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blender.hosts import EXTENSION, Host, HostTimeoutError


def test_a_host_has_the_version_of_its_name(host: Host) -> None:
    run = host.run_python("import bpy; report(bpy.app.version[:2])").check()
    assert tuple(run.result) == host.version
    assert host.name.partition("-")[2] in ("", ".".join(map(str, host.version)))


def test_a_script_gets_its_arguments_and_gives_its_exit_code(host: Host) -> None:
    run = host.run_python("import sys; report(sys.argv[1:]); sys.exit(7)", "a b", "--flag")
    assert run.result == ["a b", "--flag"]
    assert run.returncode == 7


def test_an_exception_in_a_script_is_told(wheel_host: Host) -> None:
    run = wheel_host.run_python("raise ValueError('the name of the thing')")
    assert run.returncode == 1
    assert "ValueError: the name of the thing" in run.stderr


@pytest.mark.parametrize(
    "name", ["bpy-4.5", pytest.param("blender-5.2", marks=pytest.mark.executable)]
)
def test_a_host_that_hangs_is_ended(name: str, find_host: Callable[[str], Host]) -> None:
    with pytest.raises(HostTimeoutError, match="still here"):
        find_host(name).run_python(
            "import time; print('still here', flush=True); time.sleep(60)", timeout_s=4
        )


def test_a_blend_file_is_opened(host: Host, tmp_path: Path) -> None:
    blend = tmp_path / "scene.blend"
    host.run_python(
        "import bpy, sys\n"
        "bpy.context.scene.name = 'Street'\n"
        "bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])\n",
        blend,
    ).check()
    run = host.run_python("import bpy; report(bpy.context.scene.name)", blend=blend).check()
    assert run.result == "Street"


def test_a_host_never_sees_the_users_own_folder(host: Host) -> None:
    run = host.run_python("import bpy; report(bpy.utils.user_resource('CONFIG'))").check()
    assert Path(run.result).is_relative_to(run.user_resources)


def test_the_extension_registers(host: Host, extension_zip: Path) -> None:
    script = (
        "import bpy\n"
        f"report([{EXTENSION!r} in bpy.context.preferences.addons,\n"
        "        hasattr(bpy.types.Scene, 'mixdiff'), hasattr(bpy.types.Object, 'mixdiff')])\n"
    )
    run = host.run_python(script, extension_zip=extension_zip).check()
    assert run.result == [True, True, True]
    assert "Traceback" not in run.stderr


def test_registering_is_quick_and_loads_neither_torch_nor_the_network(
    wheel_host: Host, extension_zip: Path
) -> None:
    script = (
        "import addon_utils, sys, time\n"
        "name = 'bl_ext.user_default.mixdiff'\n"
        "import bpy, numpy\n"
        "before = set(sys.modules)\n"
        "start_s = time.thread_time()\n"
        "addon_utils.enable(name, default_set=True)\n"
        "first_s = time.thread_time() - start_s\n"
        "loaded = sorted(set(sys.modules) - before)\n"
        "package = sys.modules[name]\n"
        "package.unregister()\n"
        "start_s = time.thread_time()\n"
        "package.register()\n"
        "told = {'first_s': first_s, 'again_s': time.thread_time() - start_s, 'loaded': loaded}\n"
        "report(told)\n"
    )
    resources = wheel_host.user_resources(extension_zip)
    told = wheel_host.run_python(script, user_resources=resources).check().result
    heavy = ("torch", "diffusers", "socket", "ssl", "http", "urllib.request", "asyncio")
    loaded = {name for name in told["loaded"] if name.split(".")[0] in heavy or name in heavy}
    assert not loaded
    assert told["again_s"] < 0.05
    print(wheel_host.name, told["first_s"], told["again_s"])
