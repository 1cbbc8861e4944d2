"""A judge on another machine, behind ``judge --serve``; to the stages like one of this machine's."""

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
from pipeline.executors.config import RemoteConfig
from pipeline.judge.config import JudgeConfig, Policy
from pipeline.judge.version import judge_version
from pipeline.records import Task, Verdict

if TYPE_CHECKING:
    from pipeline.judge.outputs import Fingerprint
    from pipeline.judge.task_filters import TaskFilters

T = TypeVar("T")
WORKERS = 64  # requests in flight; each mostly waits
ATTEMPTS = 6
REQUEST_SECONDS = 900.0
HEALTH_SECONDS = 20.0  # an address that drops packets is said to be wrong within a minute
# Connections that are refused, reset or time out; answers that are cut short; what is no verdict.
FAULTS = (OSError, http.client.HTTPException, ValueError)
PATIENCE_SECONDS = 3600.0  # for a place in the server's queue


class RemoteJudge:
    """Judges over HTTP; thread-safe. Use as a context manager.

    Args:
        executor: where the server is.
        config: as for ``Judge``; sandbox, limits and workers are the server's to say.

    Raises:
        UserError: no token, a wrong one, no judge at this address, or one of another version or backend.
    """

    def __init__(self, executor: RemoteConfig, config: JudgeConfig) -> None:
        self._url = executor.url.rstrip("/")
        self._token = os.environ.get(executor.token_env, "").strip()
        if not self._token:
            raise UserError(f"the environment variable {executor.token_env} holds no token for {executor.url}")
        try:
            about = self._ask("/health", None)
            self.backend: str = about["backend"]
            self.version: str = about["judge_version"]
        except (*FAULTS, LookupError, TypeError) as error:  # another server's JSON is no object, or has other names
            raise UserError(f"{executor.url}: no judge answers there ({error})") from None
        if self.version != judge_version():
            raise UserError(
                f"{executor.url}: the judge there is version {self.version}, this one {judge_version()}; install the "
                "same version of the project on both machines"
            )
        if config.backend not in ("auto", self.backend):
            raise UserError(f"judge.backend: {config.backend}, but the judge at {executor.url} is {self.backend}")
        self.seeds = config.drawn_seeds()
        self.config = config.model_copy(update={"backend": self.backend, "seeds": self.seeds})
        self.workers = WORKERS
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="remote-judge")

    def submit(self, task: Task, code: str, candidate_id: str, policy: Policy | None = None) -> Future[Verdict]:
        """Judge a candidate's module; the future raises InfrastructureError if the server fails again and again."""
        terms = {"policy": policy or self.config.policy, "seeds": self.seeds}
        body = {"task": _fields(task), "code": code, "candidate_id": candidate_id, **terms}
        return self._pool.submit(self._answer, "/judge", body, Verdict.model_validate)

    def probe(self, task: Task, filters: "TaskFilters | None" = None, seed: int = 0) -> Future[str | None]:
        """Check a task itself; as ``Judge.probe``."""
        body = {"task": _fields(task), "filters": filters and filters.model_dump(), "seed": seed}
        return self._pool.submit(self._answer, "/probe", body, _usable)

    def outputs(
        self, task: Task, code: str, number: int, policy: Policy | None = None
    ) -> "Future[list[Fingerprint | None]]":
        """Run a candidate on the task's first ``number`` shared inputs, and say what it gives."""
        body = {"task": _fields(task), "code": code, "number": number, "policy": policy or self.config.policy}
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
                    time.sleep(_seconds(error.headers.get("Retry-After")))
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
        data, seconds = (json.dumps(body).encode(), REQUEST_SECONDS) if body else (None, HEALTH_SECONDS)
        request = urllib.request.Request(self._url + path, data, headers)  # noqa: S310  (http or https, checked)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                raise UserError(f"{self._url}: wrong token") from None
            raise


def _seconds(retry_after: str | None) -> float:
    """Return what a Retry-After says, up to a minute; a second for a date, which only a proxy in between writes."""
    return min(float(retry_after), 60.0) if retry_after and retry_after.isdecimal() else 1.0


def _fields(task: Task) -> dict[str, Any]:
    return task.model_dump(mode="json", exclude={"id"})


def _usable(found: dict[str, Any]) -> str | None:
    if found["reason"] is not None:
        raise TaskError(found["reason"], found["detail"])
    return found["untraced"]
