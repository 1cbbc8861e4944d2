"""The judge over HTTP, so that stages on another machine can use it (needs the extra ``serve``).

POST /judge takes {"task": a Task's fields, "code": the candidate's module, "candidate_id"} and answers with the
verdict; /probe takes a task and says why it can't be used ({"reason": null} if it can); /outputs takes task, code and
``number`` and says what the candidate gives on that many shared inputs. ``policy`` and ``seeds`` are the asker's, by
default the server's; so are a probe's ``filters`` and ``seed``. All want the token as a bearer's; 401 without it, 422
for what is no task, 429 with Retry-After when too many wait, 503 when the judge itself failed: a fault of the
server's is never a verdict. GET /health says what judges.
"""

import asyncio
import hmac
import os
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.judge.config import JudgeConfig, Policy
from pipeline.judge.judge import Judge
from pipeline.judge.task_filters import TaskFilters
from pipeline.records import Task

if TYPE_CHECKING:
    from fastapi import FastAPI

MAX_BODY_BYTES = 8 * 2**20
RETRY_AFTER_SECONDS = 1
MAX_PORT = 2**16 - 1


class Question(BaseModel):
    """The body of a request for a verdict."""

    task: Task
    code: str
    candidate_id: str
    policy: Policy | None = None
    seeds: str | None = Field(default=None, min_length=1)


class Posed(BaseModel):
    """The body of a request to probe a task."""

    task: Task
    filters: TaskFilters | None = None
    seed: int = 0


class Execution(BaseModel):
    """The body of a request for what a candidate gives."""

    task: Task
    code: str
    number: int = Field(ge=1, le=64)
    policy: Policy | None = None


def serve(config: JudgeConfig, address: str, token_env: str | None, queue: int) -> None:
    """Answer until interrupted; prints the address once it listens.

    Args:
        config: how to judge.
        address: HOST:PORT; port 0 takes a free one.
        token_env: the environment variable that holds the token.
        queue: how many requests may wait or be judged at a time.

    Raises:
        UserError: no token, no such address, or the extra ``serve`` is not installed.
    """
    try:
        import uvicorn
    except ImportError:
        raise UserError("judge --serve: needs fastapi and uvicorn; pip install 'kernel-pipeline[serve]'") from None

    token = os.environ.get(token_env or "", "").strip()
    if not token:
        raise UserError("judge --serve: --token-env must name an environment variable that holds a token")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise UserError(f"judge --serve: {address!r} is not HOST:PORT")
    with Judge(config) as judge:
        settings = uvicorn.Config(application(judge, token, queue), host=host, port=int(port), log_level="warning")
        try:
            listening = settings.bind_socket()
        except SystemExit:  # uvicorn's way to say that the address is taken
            raise UserError(f"judge --serve: can't listen on {address}") from None
        listening.listen()  # before it is said
        print(f"the judge ({judge.backend}) listens on http://{host}:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(settings).run(sockets=[listening])


def application(judge: Judge, token: str, queue: int) -> "FastAPI":
    """Return the web application in front of a judge."""
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def admit(request: Request, answer: Any) -> Any:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):  # before anything of the body is read
            return JSONResponse({"detail": "wrong token"}, 401)
        told = int(request.headers.get("content-length") or MAX_BODY_BYTES + 1)
        if request.method == "POST" and told > MAX_BODY_BYTES:
            return JSONResponse({"detail": "too large, or no content-length"}, 413)
        return await answer(request)

    _add_routes(app, judge, queue)
    return app


def _add_routes(app: "FastAPI", judge: Judge, queue: int) -> None:
    from fastapi import Body, HTTPException

    waiting = 0

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"backend": judge.backend, "judge_version": judge.version, "waiting": waiting}

    async def answered(ask: Callable[[], Future[Any]]) -> Any:
        nonlocal waiting
        if waiting >= queue:
            raise HTTPException(429, "too many wait", {"Retry-After": str(RETRY_AFTER_SECONDS)})
        waiting += 1
        try:
            return await asyncio.wrap_future(ask())
        except InfrastructureError as error:
            raise HTTPException(503, str(error)) from error
        finally:
            waiting -= 1

    @app.post("/judge")
    async def decide(question: Question = Body()) -> dict[str, Any]:  # noqa: B008  (FastAPI's way)
        q = question
        verdict = await answered(lambda: judge.submit(q.task, q.code, q.candidate_id, q.policy, q.seeds))
        return verdict.model_dump(mode="json", exclude={"id", "accepted"})

    @app.post("/probe")
    async def probe(posed: Posed = Body()) -> dict[str, Any]:  # noqa: B008
        try:
            untraced = await answered(lambda: judge.probe(posed.task, posed.filters, posed.seed))
        except TaskError as error:
            return {"reason": error.reason, "detail": error.detail}
        return {"reason": None, "untraced": untraced}

    @app.post("/outputs")
    async def outputs(wanted: Execution = Body()) -> dict[str, Any]:  # noqa: B008
        w = wanted
        return {"outputs": await answered(lambda: judge.outputs(w.task, w.code, w.number, w.policy))}
