"""A judge on another machine, behind ``judge --serve``; to training and evaluation like one of this machine's."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.records import Task, Verdict

if TYPE_CHECKING:
    from pipeline.judge.config import Policy
    from pipeline.judge.outputs import Fingerprint

T = TypeVar("T")
WORKERS = 64  # requests in flight; each mostly waits
ATTEMPTS = 6
REQUEST_SECONDS = 900.0
# Connections that are refused, reset or time out; answers that are cut short; what is no verdict.
FAULTS = (OSError, http.client.HTTPException, ValueError)
PATIENCE_SECONDS = 3600.0  # for a place in the server's queue


class RemoteJudge:
    """Judges over HTTP; thread-safe. Use as a context manager.

    Args:
        url: the server's address, ``http://host:port``.
        token_env: the environment variable that holds its token.

    Raises:
        UserError: no token, a wrong one, or no judge at this address.
    """

    def __init__(self, url: str, token_env: str) -> None:
        self._url = url.rstrip("/")
        self._token = os.environ.get(token_env, "").strip()
        if not self._token:
            raise UserError(f"the environment variable {token_env} holds no token for {url}")
        try:
            about = self._ask("/health", None)
            self.backend: str = about["backend"]
            self.version: str = about["judge_version"]
            self.policy: Policy = about.get("policy", "strict")  # an older server does not tell
        except (*FAULTS, LookupError, TypeError) as error:  # another server's JSON is no object, or has other names
            raise UserError(f"{url}: no judge answers there ({error})") from None
        self.workers = WORKERS
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="remote-judge")

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module; the future raises InfrastructureError if the server fails again and again."""
        body = {"task": _fields(task), "code": code, "candidate_id": candidate_id}
        return self._pool.submit(self._answer, "/judge", body, Verdict.model_validate)

    def probe(self, task: Task) -> Future[None]:
        """Check a task itself; the future raises TaskError with the reason why it can't be used."""
        return self._pool.submit(self._answer, "/probe", {"task": _fields(task)}, _usable)

    def outputs(self, task: Task, code: str, number: int) -> "Future[list[Fingerprint | None]]":
        """Run a candidate on the task's first ``number`` shared inputs, and say what it gives."""
        body = {"task": _fields(task), "code": code, "number": number}
        return self._pool.submit(self._answer, "/outputs", body, lambda found: found["outputs"])

    def close(self) -> None:
        """Give up what has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, path: str, body: dict[str, Any], read: Callable[[Any], T]) -> T:
        until, failures = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            try:
                return read(self._ask(path, body))
            except urllib.error.HTTPError as error:
                if error.code == 429 and time.monotonic() < until:
                    time.sleep(float(error.headers.get("Retry-After") or 1))
                    continue
                fault = f"status {error.code}: {error.read(300).decode(errors='replace')}"
                if error.code not in (429, 503):
                    raise InfrastructureError(f"{self._url}: {fault}") from None
            except FAULTS as error:
                fault = " ".join(str(error).split())[:300] or type(error).__name__
            failures += 1
            if failures == ATTEMPTS:
                raise InfrastructureError(f"{self._url}: {fault}; gave up after {ATTEMPTS} attempts")
            time.sleep(min(2.0**failures, 30.0))

    def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers)  # noqa: S310  (http or https, checked)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                raise UserError(f"{self._url}: wrong token") from None
            raise


def _fields(task: Task) -> dict[str, Any]:
    return task.model_dump(mode="json", exclude={"id"})


def _usable(found: dict[str, Any]) -> None:
    if found["reason"] is not None:
        raise TaskError(found["reason"], found["detail"])
