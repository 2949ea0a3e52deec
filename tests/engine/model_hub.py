"""A model hub on the loopback: what huggingface_hub asks of one, and its faults."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.loopback import Loopback

SHA = "1" * 40


@dataclass
class ModelHub(Loopback):
    """Serves files as one model; `cut_after`, `gated` and `delay_s` are its faults."""

    files: dict[str, bytes]
    id: str = "owner/name"
    cut_after: dict[str, int] = field(default_factory=dict)
    gated: bool = False
    delay_s: float = 0.0
    knows_classes: bool = True
    served: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)

    @classmethod
    def of_folder(cls, folder: Path) -> ModelHub:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return cls({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})

    @property
    def url(self) -> str:
        return self.origin

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        if re.match(rf"/api/models/{self.id}(/revision/\w+)?$", path):
            siblings = [{"rfilename": n, "size": len(c)} for n, c in self.files.items()]
            told = {"id": self.id, "sha": SHA, "siblings": siblings, **self._config()}
            self.send(request, 200, json.dumps(told).encode())
        elif found := re.match(rf"/{self.id}/resolve/{SHA}/(.+)$", path):
            self._answer_file(request, found[1])
        else:
            self.send(request, 404, b"", {"X-Error-Code": "RepoNotFound"})

    def _config(self) -> dict[str, object]:
        """Return what a hub that has looked into the index says of it."""
        index = self.files.get("model_index.json")
        if not self.knows_classes or index is None:
            return {}
        return {"config": {"diffusers": {"_class_name": json.loads(index)["_class_name"]}}}

    def _answer_file(self, request: BaseHTTPRequestHandler, name: str) -> None:
        content = self.files[name]
        etag = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": SHA, "Accept-Ranges": "bytes"}
        if self.gated:
            self.send(request, 403, b"", {"X-Error-Code": "GatedRepo"})
            return
        status, start = 200, 0
        if asked := re.match(r"bytes=(\d+)-", request.headers.get("Range", "")):
            status, start = 206, int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            if start and request.command == "GET":
                self.ranges.append(name)
        cut = self.cut_after.get(name)
        if self.send(request, status, content[start:], headers, cut_after=cut):
            self.served.append(name)
