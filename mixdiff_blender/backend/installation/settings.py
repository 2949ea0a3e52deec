"""pip's settings, said to uv: mirrors, proxies, certificates, folders of wheels.

uv reads its own settings itself, and they win; what pip is configured with it would not know.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_SECTIONS = ("global", "install")

# How each of pip's settings is called by uv, and what separates uv's values.
_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
}

# What steers the Python that Blender runs must not steer another one.
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT")


def config_files(variables: Mapping[str, str]) -> list[Path]:
    """Return where pip looks for its settings, later ones winning."""
    named = variables.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path.home()
    if sys.platform == "win32":
        files = [
            Path(variables.get("ProgramData", "C:/ProgramData")) / "pip/pip.ini",
            home / "pip/pip.ini",
            Path(variables.get("APPDATA", home / "AppData/Roaming")) / "pip/pip.ini",
        ]
    else:
        files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf"]
        if sys.platform == "darwin":
            files += [Path("/Library/Application Support/pip/pip.conf")]
            files += [home / "Library/Application Support/pip/pip.conf"]
        config = variables.get("XDG_CONFIG_HOME")
        files += [(Path(config) if config else home / ".config") / "pip/pip.conf"]
    return [*files, *([Path(named)] if named else [])]


def pip_settings(variables: Mapping[str, str], files: Iterable[Path]) -> dict[str, list[str]]:
    """Return pip's settings from its files and variables, each as a list of words."""
    settings: dict[str, list[str]] = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself will complain of it
        for section in _SECTIONS:
            if parser.has_section(section):
                settings |= {key: value.split() for key, value in parser.items(section)}
    for name in _NAMES:
        if value := variables.get("PIP_" + name.upper().replace("-", "_")):
            settings[name] = value.split()
    return settings


def uv_variables(
    variables: Mapping[str, str], *, cache: Path, pythons: Path, offline: bool
) -> dict[str, str]:
    """Return the variables with which uv runs."""
    translated: dict[str, str] = {}
    settings = pip_settings(variables, config_files(variables))
    for name, (uv_name, separator) in _NAMES.items():
        if words := settings.get(name):
            translated.setdefault(uv_name, separator.join(words))
    if translated.get("UV_NO_INDEX", "").lower() in ("0", "false", "no", "off"):
        del translated["UV_NO_INDEX"]
    if "UV_INDEX" in translated:
        # As pip does it: the best version, whichever index has it. The hashes are fixed anyway.
        translated["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    kept = {name: value for name, value in variables.items() if name not in _FOREIGN}
    ours = {
        "UV_CACHE_DIR": str(cache),
        "UV_PYTHON_INSTALL_DIR": str(pythons),
        "UV_PYTHON_INSTALL_BIN": "0",
        "NO_COLOR": "1",
    }
    return {**translated, **ours, **kept, **({"UV_OFFLINE": "1"} if offline else {})}


def local_wheels(variables: Mapping[str, str]) -> list[Path]:
    """Return the folders of wheels on this machine that uv was told of."""
    words = variables.get("UV_FIND_LINKS", "").replace(",", " ").split()
    paths = [Path(word.removeprefix("file://")) for word in words if "://" not in word[5:]]
    return [path for path in paths if path.is_dir()]
