"""An OpenAI-compatible chat server with planned faults: ``python tests/servers/chat.py [--key KEY] [--port PORT]``.

It prints its base URL in one line and serves until it is killed. Each request to /v1/chat/completions takes the next
step of the plan (``POST /plan`` with a JSON list); when the plan is used up, every answer is good. ``GET /log``
returns the bodies of the requests received since the last plan. A step is an object:

    {}                                a good answer; may hold content, reasoning, reasoning_content, finish_reason
    {"status": 500, "headers": {}}    an error of that status
    {"cut": true}                     the connection is closed without an answer
    {"garbage": "text/html"}          status 200 with a body of that type that is no JSON
    {"json": {...}}                   status 200 with this body
    {"hang": true}                    no answer before the client gives up
    {"echo_key": 500}                 an error whose message quotes the Authorization header
"""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "test-model"
CODE = "```python\nclass ModelNew:\n    pass\n```\n"


class ChatServer(ThreadingHTTPServer):
    """Holds the plan and the log that the handlers share."""

    daemon_threads = True

    def __init__(self, port: int, key: str | None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.key = key
        self.lock = threading.Lock()
        self.plan: list[dict[str, Any]] = []
        self.log: list[dict[str, Any]] = []

    def next_step(self, body: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            self.log.append(body)
            return self.plan.pop(0) if self.plan else {}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    @property
    def chat(self) -> ChatServer:
        assert isinstance(self.server, ChatServer)
        return self.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
        pass

    def do_GET(self) -> None:
        self._send(200, self.chat.log if self.path == "/log" else {"status": "ok"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/plan":
            with self.chat.lock:
                self.chat.plan, self.chat.log = body, []
            self._send(200, {})
        elif self.path != "/v1/chat/completions":
            self._send(404, {"detail": "Not Found"})
        elif self.chat.key and self.headers.get("authorization") != f"Bearer {self.chat.key}":
            self._send(401, {"error": {"message": f"Incorrect API key: {self.headers.get('authorization')}"}})
        elif body["model"] != MODEL:
            self._send(404, {"error": {"message": f"The model `{body['model']}` does not exist."}})
        else:
            self._follow(self.chat.next_step(body), body)

    def _follow(self, step: dict[str, Any], body: dict[str, Any]) -> None:
        if step.get("cut"):
            self.close_connection = True
        elif step.get("hang"):
            self.connection.settimeout(60)
            self.close_connection = True
            self.rfile.read(1)  # returns when the client closes the connection
        elif "garbage" in step:
            self._send_bytes(200, b"<html>busy</html>", step["garbage"], {})
        elif "json" in step:
            self._send(200, step["json"])
        elif "echo_key" in step:
            self._send(step["echo_key"], {"error": {"message": f"you sent {self.headers['authorization']}"}})
        elif "status" in step:
            self._send(step["status"], {"error": {"message": "planned fault"}}, step.get("headers", {}))
        else:
            self._send(200, completion(step, body))

    def _send(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(value).encode(), "application/json", headers or {})

    def _send_bytes(self, status: int, payload: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-type": kind, "content-length": str(len(payload))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)


def completion(step: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return a chat completion as servers send it."""
    message: dict[str, Any] = {"role": "assistant", "content": step.get("content", CODE)}
    message.update({name: step[name] for name in ("reasoning", "reasoning_content") if name in step})
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": step.get("finish_reason", "stop")}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key")
    arguments = parser.parse_args()
    server = ChatServer(arguments.port, arguments.key)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
