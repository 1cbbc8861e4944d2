"""A judge on another machine, behind ``judge --serve``; to training like one of this machine's."""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from pipeline.errors import InfrastructureError, UserError
from pipeline.records import Task, Verdict

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
        except (*FAULTS, LookupError, TypeError) as error:  # another server's JSON is no object, or has other names
            raise UserError(f"{url}: no judge answers there ({error})") from None
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="remote-judge")

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        """Judge a candidate's module; the future raises InfrastructureError if the server fails again and again."""
        return self._pool.submit(self._judge, task, code, candidate_id)

    def close(self) -> None:
        """Give up what has not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, task: Task, code: str, candidate_id: str) -> Verdict:
        body = {"task": task.model_dump(mode="json", exclude={"id"}), "code": code, "candidate_id": candidate_id}
        until, failures = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            try:
                return Verdict.model_validate(self._ask("/judge", body))
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
