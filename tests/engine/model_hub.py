"""A model hub on the loopback: what huggingface_hub asks of one, and its faults."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SHA = "1" * 40


@dataclass
class ModelHub:
    """Serves files as the model owner/name; `cut_after`, `gated` and `delay_s` are its faults."""

    files: dict[str, bytes]
    cut_after: dict[str, int] = field(default_factory=dict)
    gated: bool = False
    delay_s: float = 0.0
    served: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)

    @classmethod
    def of_folder(cls, folder: Path) -> ModelHub:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})

    def start(self) -> None:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self, with_body=True)

            def do_HEAD(self) -> None:
                hub.answer(self, with_body=False)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, *, with_body: bool) -> None:
        path = request.path.partition("?")[0]
        if re.match(r"/api/models/owner/name(/revision/\w+)?$", path):
            siblings = [{"rfilename": n, "size": len(c)} for n, c in self.files.items()]
            told = {"id": "owner/name", "sha": SHA, "siblings": siblings}
            self._send(request, 200, json.dumps(told).encode(), {}, with_body)
        elif found := re.match(rf"/owner/name/resolve/{SHA}/(.+)$", path):
            self._send_file(request, found[1], with_body)
        else:
            self._send(request, 404, b"", {"X-Error-Code": "RepoNotFound"}, with_body)

    def _send_file(self, request: BaseHTTPRequestHandler, name: str, with_body: bool) -> None:
        content = self.files[name]
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if self.gated:
            self._send(request, 403, b"", {"X-Error-Code": "GatedRepo"}, with_body)
            return
        start = 0
        if asked := re.match(r"bytes=(\d+)-", request.headers.get("Range", "")):
            start = int(asked[1])
            if with_body and start:
                self.ranges.append(name)
        status, rest = (206, content[start:]) if asked else (200, content)
        if asked:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.cut_after.get(name)
        if with_body and cut is not None:
            self._send(request, status, rest[:cut], headers, True, said=len(rest))
            request.connection.close()
            return
        self._send(request, status, rest, headers, with_body)
        if with_body:
            self.served.append(name)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: dict[str, str],
        with_body: bool,
        said: int | None = None,
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body) if said is None else said))
        request.end_headers()
        if not with_body:
            return
        for start in range(0, len(body), 2**18):
            try:
                request.wfile.write(body[start : start + 2**18])
            except OSError:
                return  # nobody listens any more
            time.sleep(self.delay_s)
