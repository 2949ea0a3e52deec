"""What import-linter cannot say: the contract needs the standard library alone."""

from __future__ import annotations

import subprocess
import sys

from building.programs import CHECKOUT


def test_the_contract_imports_without_any_installed_package() -> None:
    folder = CHECKOUT / "engine/contract"
    modules = ["engine.contract", *(f"engine.contract.{path.stem}" for path in folder.glob("*.py"))]
    code = (
        "import importlib, sys\n"
        f"sys.path.insert(0, {str(CHECKOUT)!r})\n"
        f"for name in {[name for name in modules if not name.endswith('__init__')]!r}:\n"
        "    importlib.import_module(name)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}\n"
        "             - set(sys.stdlib_module_names) - {'__main__'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("['engine']", "")
