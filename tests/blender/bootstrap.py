"""Runs inside a Blender: prepares it as a request file says, then runs a script there."""

import importlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any


def _addon_utils() -> Any:
    return importlib.import_module("addon_utils")  # its type stubs are wrong about `check`


def _install(archive: str) -> None:
    import bpy

    addon_utils = _addon_utils()

    if not addon_utils.check("bl_pkg")[1]:
        addon_utils.enable("bl_pkg", default_set=True)
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True
    )


def _enable(module: str) -> None:
    addon_utils = _addon_utils()
    if not addon_utils.check(module)[1]:
        addon_utils.enable(module, default_set=True)
    if not addon_utils.check(module)[1]:
        raise SystemExit(f"{module} did not register; the traceback stands above")


def _run(request: dict[str, Any]) -> None:
    import bpy

    if request["install"]:
        _install(request["install"])
    if request["extension"]:
        _enable(request["extension"])
    if request["open"]:
        bpy.ops.wm.open_mainfile(filepath=request["open"])

    result = Path(request["result"])

    def report(value: Any) -> None:
        if result.exists():
            raise RuntimeError("report() was called twice; collect everything in one value")
        aside = result.with_suffix(".part")
        aside.write_text(json.dumps(value))
        aside.rename(result)

    sys.path.append(str(Path(__file__).with_name("inside")))  # scenes, for every script
    sys.argv = [request["script"], *request["arguments"]]
    runpy.run_path(request["script"], init_globals={"report": report}, run_name="__main__")


def _leave(code: int) -> None:
    _addon_utils().disable_all()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # after a modal operator some bpy modules crash or hang on the usual way out


def main() -> None:
    """Do what the request file says and leave with the script's exit code."""
    request = json.loads(Path(os.environ["MIXDIFF_HOST_REQUEST"]).read_text())
    try:
        _run(request)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    else:
        code = 0
    _leave(code)


main()
