"""A stand-in for the Hub's HTTP interface, on loopback, in a thread of the test: ``with Hub(token) as hub``.

Everything is in memory. It knows one user, ``somebody``, and speaks what huggingface_hub uses to publish: whoami, create
a repository, repository info, tree (in pages of PAGE entries), branches, card validation, preupload, the LFS batch
interface with upload by PUT, commit, and download. Large files are those that end in .parquet, .png or .safetensors.

``log`` holds the requests so far, each as "METHOD path". ``failures`` maps the sha256 of a large file to what becomes of
its next upload: a status and a message, or None for no answer at all.
"""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

USER = "somebody"
LARGE = (".parquet", ".png", ".safetensors")
PAGE = 4
LICENCES = ("apache-2.0", "mit", "bsd-3-clause", "other")


@dataclass
class Repository:
    """Branches, each path -> content; ``commits`` are the oids in their order."""

    private: bool
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {".gitattributes": b"*\n"}})
    commits: list[str] = field(default_factory=lambda: ["0" * 40])


class Hub(ThreadingHTTPServer):
    """What the handlers share: repositories by ``type/owner/name``, large files by sha256."""

    daemon_threads = True

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token = token
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.log: list[str] = []
        self.failures: dict[str, tuple[int, str] | None] = {}
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files(self, key: str, branch: str = "main") -> dict[str, bytes]:
        """Return what a branch of a repository holds, without the file that every repository begins with."""
        return {
            path: data for path, data in self.repositories[key].branches[branch].items() if path != ".gitattributes"
        }

    def uploads(self) -> list[str]:
        """Return the sha256 of every large file whose upload was tried, in order."""
        return [entry.removeprefix("PUT ") for entry in self.log if entry.startswith("PUT ")]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()


class RefusedError(Exception):
    """An answer that is an error: status, message, and the code by which the client knows it."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        assert isinstance(self.server, Hub)
        return self.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        pass

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.body = self._chunked()
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        self.parts = [unquote(part) for part in parts.path.strip("/").split("/")]
        try:
            self._answer()
        except RefusedError as refusal:
            headers = {"X-Error-Message": refusal.message} | ({"X-Error-Code": refusal.code} if refusal.code else {})
            self._send({"error": refusal.message}, refusal.status, headers)

    def _chunked(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _answer(self) -> None:
        if self.parts[0] == "_storage":
            self._store(self.parts[1])
            return
        self.hub.log.append(f"{self.command} {'/'.join(self.parts)}")
        self._authorise()
        match self.parts:
            case ["api", "whoami-v2"]:
                self._send({"name": USER, "type": "user"})
            case ["api", "validate-yaml"]:
                self._validate(json.loads(self.body)["content"])
            case ["api", "repos", "create"]:
                self._create()
            case ["api", kinds, owner, name, *rest]:
                self._repository(f"{kinds}/{owner}/{name}", rest)
            case [*kinds, owner, name, "info", "lfs", "objects", "batch"]:
                self._batch(f"{(kinds or ['models'])[0]}/{owner}/{name.removesuffix('.git')}")
            case [*kinds, owner, name, "resolve", revision, path]:
                self._send_bytes(self._branch(f"{(kinds or ['models'])[0]}/{owner}/{name}", revision)[path])
            case _:
                raise RefusedError(404, "no such address")

    def _authorise(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            given = self.headers.get("Authorization")
            raise RefusedError(
                401, "Invalid credentials in Authorization header" if given else "Invalid username or password."
            )

    def _may_write(self, owner: str) -> None:
        if owner != USER:
            raise RefusedError(403, f"You don't have the rights to create or change something under {owner}")

    def _validate(self, card: str) -> None:
        """Find a few of the faults that the Hub finds."""
        data = yaml.safe_load(card.split("---")[1])
        errors = []
        if data.get("license") not in (*LICENCES, None):
            errors.append('"license" must be one of a list of identifiers')
        if data.get("license") == "other" and not data.get("license_name"):
            errors.append('"license_name" is required with "other"')
        answer = {"warnings": [], "errors": [{"message": error} for error in errors]}
        self._send(answer, 400 if errors else 200)

    def _create(self) -> None:
        wanted = json.loads(self.body)
        owner = wanted.get("organization") or USER
        self._may_write(owner)
        key = f"{wanted.get('type', 'model')}s/{owner}/{wanted['name']}"
        if key in self.hub.repositories:
            raise RefusedError(409, "You already created this repo")
        self.hub.repositories[key] = Repository(private=wanted.get("visibility") == "private")
        self._send({"url": f"{self.hub.url}/{key.removeprefix('models/')}"})

    def _find(self, key: str) -> Repository:
        if key not in self.hub.repositories:
            raise RefusedError(404, "Repository not found", "RepoNotFound")
        return self.hub.repositories[key]

    def _branch(self, key: str, revision: str) -> dict[str, bytes]:
        if revision not in self._find(key).branches:
            raise RefusedError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self._find(key).branches[revision]

    def _repository(self, key: str, rest: list[str]) -> None:
        repository = self._find(key)
        if rest and rest[0] in ("branch", "preupload", "commit"):
            self._may_write(key.split("/")[1])
        match rest:
            case []:
                self._send({"id": key.split("/", 1)[1], "private": repository.private, "sha": repository.commits[-1]})
            case ["revision", revision]:
                self._branch(key, revision)
                self._send({"id": key.split("/", 1)[1], "private": repository.private, "sha": repository.commits[-1]})
            case ["branch", name]:
                if name in repository.branches:
                    raise RefusedError(409, "Reference already exists")
                repository.branches[name] = dict(repository.branches["main"])
                self._send({})
            case ["tree", revision]:
                self._tree(self._branch(key, revision))
            case ["preupload", revision]:
                branch = self._branch(key, revision)
                self._send(
                    {"files": [self._upload_mode(file["path"], branch) for file in json.loads(self.body)["files"]]}
                )
            case ["commit", revision]:
                self._commit(repository, self._branch(key, revision), key)
            case _:
                raise RefusedError(404, "no such address")

    def _upload_mode(self, path: str, branch: dict[str, bytes]) -> dict[str, Any]:
        mode = "lfs" if path.endswith(LARGE) else "regular"
        oid = _entry(path, branch[path]) if path in branch else None
        return {"path": path, "uploadMode": mode, "shouldIgnore": False,
                "oid": oid and (oid["lfs"]["oid"] if "lfs" in oid else oid["oid"])}  # fmt: skip

    def _tree(self, branch: dict[str, bytes]) -> None:
        folders = sorted({path.rsplit("/", 1)[0] for path in branch if "/" in path})
        entries = [{"type": "directory", "path": path, "oid": "1" * 40, "size": 0} for path in folders]
        entries += [_entry(path, content) for path, content in sorted(branch.items())]
        start = int(self.query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            address = f"{self.hub.url}/{'/'.join(self.parts)}?recursive=true&cursor={start + PAGE}"
            headers["Link"] = f'<{address}>; rel="next"'
        self._send(entries[start : start + PAGE], headers=headers)

    def _batch(self, key: str) -> None:
        self._may_write(key.split("/")[1])
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            there = wanted["oid"] in self.hub.large
            upload = {"href": f"{self.hub.url}/_storage/{wanted['oid']}?X-Signature=very-secret"}
            objects.append(wanted if there else {**wanted, "actions": {"upload": upload}})
        self._send({"transfer": "basic", "objects": objects})

    def _store(self, sha256: str) -> None:
        self.hub.log.append(f"PUT {sha256}")
        if sha256 in self.hub.failures:
            planned = self.hub.failures.pop(sha256)
            if planned is None:
                self.hub.stopped.wait()
            else:
                raise RefusedError(*planned)
        if hashlib.sha256(self.body).hexdigest() != sha256:
            raise RefusedError(400, "the content does not have the hash that was announced")
        self.hub.large[sha256] = self.body
        self._send({})

    def _commit(self, repository: Repository, branch: dict[str, bytes], key: str) -> None:
        changed = dict(branch)
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            match entry["key"]:
                case "file":
                    changed[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    if value["oid"] not in self.hub.large:
                        raise RefusedError(400, f"LFS object {value['oid']} was never uploaded")
                    changed[value["path"]] = self.hub.large[value["oid"]]
                case "deletedFile":
                    del changed[value["path"]]
        branch.clear()
        branch.update(changed)
        oid = hashlib.sha1(self.body).hexdigest()
        repository.commits.append(oid)
        self._send({"commitUrl": f"{self.hub.url}/{key}/commit/{oid}", "commitOid": oid})

    def _send(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def _send_bytes(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _entry(path: str, content: bytes) -> dict[str, Any]:
    """Return a file as the tree shows it: a large one is a pointer in git."""
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
    stored = content
    if path.endswith(LARGE):
        sha256 = hashlib.sha256(content).hexdigest()
        stored = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(content)}\n".encode()
        entry["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": len(stored)}
    entry["oid"] = hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()
    return entry
