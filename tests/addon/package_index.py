"""A package index on the loopback: tiny packages, and every fault that a network has."""

from __future__ import annotations

import hashlib
import io
import random
import threading
import time
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
class PackageIndex:
    """Serves wheels; `cut_after`, `alter` and `delay_s` are faults of the next downloads."""

    wheels: dict[str, bytes] = field(default_factory=dict)
    cut_after: dict[str, int] = field(default_factory=dict)
    alter: bool = False
    delay_s: float = 0.0
    served: list[str] = field(default_factory=list)

    def add(self, name: str, version: str) -> str:
        """Publish a package and return its locked line."""
        content = wheel(name, version)
        self.wheels[f"{name}-{version}-py3-none-any.whl"] = content
        return f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}\n"

    def heal(self) -> None:
        self.cut_after.clear()
        self.alter, self.delay_s = False, 0.0

    def write_to(self, folder: Path) -> None:
        for name, content in self.wheels.items():
            (folder / name).write_bytes(content)

    def start(self) -> None:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/simple"

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
        request.send_response(200 if body else 404)
        request.send_header("Content-Type", "text/html")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _answer_file(self, request: BaseHTTPRequestHandler, name: str) -> None:
        content = self.wheels[name]
        if self.alter:
            content = wheel(*name.split("-")[:2], seed="another")
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        end = self.cut_after.get(name.partition("-")[0], len(content))
        for start in range(0, end, 2**16):
            if self.delay_s:
                time.sleep(self.delay_s)
            try:
                request.wfile.write(content[start : min(end, start + 2**16)])
            except OSError:
                return
        if end == len(content):
            self.served.append(name)
        else:
            request.connection.close()
