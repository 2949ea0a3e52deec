"""What operators do with errors, and what is left of a registration that fails."""

import sys
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import bpy
from bl_ui.space_toolsystem_toolbar import VIEW3D_PT_tools_active as toolbar

report: Any
ADDON = "bl_ext.user_default.mixdiff"
addon: Any = sys.modules[ADDON]
registration: Any = import_module(f"{ADDON}.registration")
contract: Any = import_module(f"{ADDON}.contract")
modules = [import_module(f"{ADDON}.{name}") for name in registration.MODULES]


def known() -> dict[str, list[str]]:
    """Return all of the add-on that Blender knows of."""
    classes = [cls for module in modules for cls in getattr(module, "CLASSES", ())]
    events = {
        name: listeners
        for name in dir(bpy.app.handlers)
        if isinstance(listeners := getattr(bpy.app.handlers, name), list)
    }
    tools = toolbar._tools_flatten(toolbar._tools["OBJECT"])
    menus = ("VIEW3D_MT_object", "VIEW3D_MT_add", "TOPBAR_MT_render")
    return {
        "classes": [cls.__name__ for cls in classes if "bl_rna" in vars(cls)],
        "handlers": [
            f"{event} {handler.__module__}"
            for event, listeners in events.items()
            for handler in listeners
            if handler.__module__.startswith(ADDON)
        ],
        "forgetful": [
            handler.__name__
            for listeners in events.values()
            for handler in listeners
            if not hasattr(handler, "_bpy_persistent")
        ],
        "menus": [
            draw.__name__
            for menu in menus
            for draw in getattr(bpy.types, menu)._dyn_ui_initialize()
            if draw.__module__.startswith(ADDON)
        ],
        "tools": [t.idname for t in tools if t and t.idname.startswith("mixdiff")],
        "properties": [t for t in ("Object", "Scene") if hasattr(getattr(bpy.types, t), "mixdiff")],
    }


told: dict[str, Any] = {"at_first": known()}

# Each operator, with what it does replaced by a failure.
Operator: Any = import_module(f"{ADDON}.ui.operators.base").ReportingOperator


def fail(self: Any, context: Any) -> None:
    raise contract.EngineError("it went wrong", kind="internal", advice="try again")


told["operators"] = {}
for cls in [cls for module in modules for cls in getattr(module, "CLASSES", ())]:
    if not issubclass(cls, bpy.types.Operator):
        continue
    cls.run, run = fail, cls.run
    cls.requirements, requirements = (), cls.requirements
    said: str
    try:
        getattr(bpy.ops.mixdiff, cls.bl_idname.partition(".")[2])("EXEC_DEFAULT")
        said = "nothing"
    except RuntimeError as error:
        said = str(error).strip()
    cls.run, cls.requirements = run, requirements
    told["operators"][cls.__name__] = [issubclass(cls, Operator), said]

# What is not met is said, and the first that is not is what counts.
Vary: Any = import_module(f"{ADDON}.ui.operators.history").Vary
try:
    bpy.ops.mixdiff.vary()
except RuntimeError as error:
    told["unmet"] = str(error)

# A registration that fails takes back what it had done, whoever it was that failed.
addon.unregister()
told["after"] = known()
names = registration.MODULES


def refuse() -> None:
    raise OSError("not today")


def registers_with(module: Any, at: int) -> list[Any]:
    sys.modules[f"{ADDON}.broken"] = module
    registration.MODULES = (*names[:at], "broken", *names[at:])
    try:
        addon.register()
    except Exception as error:
        failure = str(error)
    registration.MODULES = names
    return [failure, known()]


broken_hook: Any = SimpleNamespace(register=refuse, unregister=refuse)
told["broken_hook"] = [registers_with(broken_hook, at) for at in (0, 5, len(names))]
half: Any = type("Half", (bpy.types.Panel,), {"bl_label": "half of what a panel needs"})
told["broken_class"] = registers_with(SimpleNamespace(CLASSES=(half,)), len(names))
told["broken_event"] = registers_with(SimpleNamespace(HANDLERS={"never": refuse}), len(names))
addon.register()
told["again"] = known()
report(told)
