"""An OpenAI-compatible chat server with planned faults.

    python tests/servers/chat.py [--key KEY] [--port PORT] [--delay SECONDS]

It prints its base URL in one line and serves until it is killed. Each request to /v1/chat/completions takes the next
step of the plan (``POST /plan`` with a JSON list); when the plan is used up, every answer is good. ``GET /log``
returns the bodies of the requests received since the last plan. A step is an object:

    {}                                a good answer; may hold content, reasoning, reasoning_content, reasoning_details,
                                      finish_reason, usage, and delay in seconds
    {"status": 500, "headers": {}}    an error of that status
    {"cut": true}                     the connection is closed without an answer
    {"garbage": "text/html"}          status 200 with a body of that type that is no JSON
    {"json": {...}}                   status 200 with this body
    {"hang": true}                    no answer before the client gives up
    {"echo_key": 500}                 an error whose message quotes the Authorization header

With ``logprobs: true`` the pieces of five characters each have a log-probability, by their number, unless the step
says ``"logprobs": false``. A request with ``stream: true`` gets its good answer as events of five characters each, and these faults:

    {"cut_after": 2}                  the connection is closed after two events
    {"end_after": 2}                  the stream ends in good form after two events, without a finish reason
    {"silent_after": 2}               no further event after two
    {"error_after": 2}                an event with an error after two
"""

import argparse
import json
import math
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "test-model"
ERROR = {"error": {"message": "planned fault"}}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
REASONING = ("reasoning", "reasoning_content", "reasoning_details")
CODE = "```python\nclass ModelNew:\n    pass\n```\n"


class ChatServer(ThreadingHTTPServer):
    """Holds the plan and the log that the handlers share."""

    daemon_threads = True

    def __init__(self, port: int, key: str | None, delay: float) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.key = key
        self.delay = delay
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
            self._wait_for_the_client()
        elif "garbage" in step:
            self._send_bytes(200, b"<html>busy</html>", step["garbage"], {})
        elif "json" in step:
            self._send(200, step["json"])
        elif "echo_key" in step:
            self._send(step["echo_key"], {"error": {"message": f"you sent {self.headers['authorization']}"}})
        elif "status" in step:
            self._send(step["status"], {"error": {"message": "planned fault"}}, step.get("headers", {}))
        else:
            time.sleep(step.get("delay", self.chat.delay))
            if body.get("stream"):
                self._stream(step, body)
            else:
                self._send(200, completion(step, body))

    def _stream(self, step: dict[str, Any], body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self._chunk(": keep-alive\n\n")
        for count, event in enumerate(events(step, body)):
            if count == step.get("cut_after"):
                self.close_connection = True
                return
            if count == step.get("silent_after"):
                self._wait_for_the_client()
                return
            if count == step.get("end_after"):
                break
            if count == step.get("error_after"):
                self._chunk(f"data: {json.dumps(ERROR)}\n\n")
                continue
            self._chunk(f"data: {json.dumps(event)}\n\n")
        else:
            self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        payload = text.encode()
        self.wfile.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
        self.wfile.flush()

    def _wait_for_the_client(self) -> None:
        self.connection.settimeout(60)
        self.close_connection = True
        self.rfile.read(1)  # returns when the client closes the connection

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
    message.update({name: step[name] for name in REASONING if name in step})
    choice = {"index": 0, "message": message, "finish_reason": step.get("finish_reason", "stop")}
    if body.get("logprobs") and step.get("logprobs", True):
        choice["logprobs"] = {"content": [logprob(i) for i in range(len(deltas(message)))]}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
        "usage": step.get("usage", USAGE),
    }


def logprob(number: int) -> dict[str, Any]:
    """Return what servers say of a token: this one's probability is 2 to the power of -1, -2 or -3."""
    return {"token": "x", "bytes": [120], "top_logprobs": [], "logprob": -math.log(2) * (1 + number % 3)}


def deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pieces of five characters, or members of a list, of a message."""
    fields = [name for name in (*REASONING, "content") if name in message]
    return [{name: message[name][i : i + 5]} for name in fields for i in range(0, len(message[name]), 5)]


def events(step: dict[str, Any], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events of the same answer as servers stream it: the reasoning first, the usage last."""
    whole = completion(step, body)
    choice = whole["choices"][0]
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    first = {"role": "assistant", "content": ""}
    yield {**frame, "choices": [{"index": 0, "delta": first, "finish_reason": None}]}
    for number, delta in enumerate(deltas(choice["message"])):
        scored = {"logprobs": {"content": [logprob(number)]}} if "logprobs" in choice else {}
        yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None, **scored}]}
    yield {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    yield {**frame, "choices": [], "usage": whole["usage"]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    arguments = parser.parse_args()
    server = ChatServer(arguments.port, arguments.key, arguments.delay)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
