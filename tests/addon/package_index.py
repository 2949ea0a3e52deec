"""A package index on the loopback: tiny packages, and every fault that a network has."""

from __future__ import annotations

import hashlib
import io
import random
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.loopback import Loopback

_FILLING_BYTES = 1_500_000


def wheel(name: str, version: str, *, seed: str = "") -> bytes:
    """Return a wheel that holds a module of its name, and noise that takes time to arrive."""
    noise = random.Random(seed or name).randbytes(_FILLING_BYTES)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n".encode(),
        f"{name}/noise.bin": noise,
        f"{info}/METADATA": _metadata(name, version),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, content in {**files, f"{info}/RECORD": record.encode()}.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def _metadata(name: str, version: str) -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()


@dataclass
class PackageIndex(Loopback):
    """Serves wheels; `cut_after`, `alter` and `delay_s` are faults of the next downloads."""

    wheels: dict[str, bytes] = field(default_factory=dict)
    cut_after: dict[str, int] = field(default_factory=dict)
    alter: bool = False
    delay_s: float = 0.0
    served: list[str] = field(default_factory=list)

    def add(self, name: str, version: str, *, seed: str = "") -> str:
        """Publish a package and return its locked line."""
        content = wheel(name, version, seed=seed)
        self.wheels[f"{name}-{version}-py3-none-any.whl"] = content
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"

    def heal(self) -> None:
        self.cut_after.clear()
        self.alter, self.delay_s = False, 0.0

    def write_to(self, folder: Path) -> None:
        for name, content in self.wheels.items():
            (folder / name).write_bytes(content)

    @property
    def url(self) -> str:
        return f"{self.origin}/simple"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.rstrip("/").rpartition("/")[2]
        if name in self.wheels:
            self._answer_file(request, name)
            return
        body = b""
        if name.endswith(".metadata"):
            package, version, *_ = name.split("-")
            body = _metadata(package, version)
        else:
            body = "\n".join(
                f'<a href="/files/{file}#sha256={hashlib.sha256(content).hexdigest()}"'
                f' data-core-metadata="true">{file}</a>'
                for file, content in self.wheels.items()
                if file.startswith(f"{name}-")
            ).encode()
        self.send(request, 200 if body else 404, body, {"Content-Type": "text/html"})

    def _answer_file(self, request: BaseHTTPRequestHandler, name: str) -> None:
        content = self.wheels[name]
        if self.alter:
            content = wheel(*name.split("-")[:2], seed="another")
        cut = self.cut_after.get(name.partition("-")[0])
        if self.send(request, 200, content, cut_after=cut):
            self.served.append(name)
