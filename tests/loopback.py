"""A server on the loopback that can be slow and can break off."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PIECE_BYTES = 2**16


class Loopback:
    """Serves what `answer` makes of each request; `delay_s` passes between pieces of 64 KiB."""

    delay_s: float = 0.0

    def start(self) -> None:
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                loopback.answer(self)

            def do_HEAD(self) -> None:
                loopback.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError

    def send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        cut_after: int | None = None,
    ) -> bool:
        """Send an answer, and tell whether all of it was; HEAD gets no body."""
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "HEAD":
            return False
        end = len(body) if cut_after is None else min(cut_after, len(body))
        for start in range(0, end, _PIECE_BYTES):
            if self.delay_s:
                time.sleep(self.delay_s)
            try:
                request.wfile.write(body[start : min(end, start + _PIECE_BYTES)])
            except OSError:
                return False  # nobody listens any more
        if cut_after is not None:
            request.connection.close()
        return end == len(body)
