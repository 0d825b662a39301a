"""A small server that answers as the Hub does."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

SHA = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(BaseHTTPRequestHandler):
    """The few routes of the Hub that a download takes, out of a folder `root/owner/name`."""

    root: Path
    gated: bool = False
    asked: list[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        parts = self.path.partition("?")[0].strip("/").split("/")
        api = parts[0] == "api"
        repository = self.root.joinpath(*(parts[2:4] if api else parts[:2]))
        if not repository.is_dir():
            self.answer(401, headers={"X-Error-Code": "RepoNotFound"})
        elif api and "tree" not in parts:
            if "revision" in parts and parts[-1] not in ("main", SHA):
                return self.answer(404, headers={"X-Error-Code": "RevisionNotFound"})
            siblings = [{"rfilename": f.name, "size": f.stat().st_size} for f in files(repository)]
            info = {"id": repository.name, "sha": SHA, "siblings": siblings}
            self.answer(200, json.dumps(info).encode())
        elif self.gated:
            self.answer(403, headers={"X-Error-Code": "GatedRepo"})
        elif api:
            tree = [
                {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": f.name}
                for f in files(repository)
            ]
            self.answer(200, json.dumps(tree).encode())
        else:
            content = (repository / parts[-1]).read_bytes()
            self.answer(200, content, {"ETag": f'"{parts[-1]}"', "X-Repo-Commit": SHA})

    def answer(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file())
