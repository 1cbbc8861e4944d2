"""A run of tasks, generate and verify against a real chat server and a stand-in for the judge."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import pytest
from rich.console import Console

from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.judge.task_filters import TaskFilters
from pipeline.progress import StageProgress
from pipeline.records import Candidate, Check, Task, Verdict
from pipeline.stages import StageContext, tasks
from pipeline.stages.generate import GenerateConfig
from pipeline.store import StageStore, read_rows
from pipeline.tables import from_row
from pipeline.teachers import openai as openai_teacher

RIGHT = "```python\nclass ModelNew: right\n```"
WRONG = "```python\nclass ModelNew: wrong\n```"


def task(name: str, **changes: Any) -> Task:
    return Task(**{"name": name, "reference": f"# {name}", "category": "c", "source": "s", **changes})


class StandInJudge:
    """Accepts code that says it is right; work on a task named in ``faults`` raises."""

    faults: ClassVar[dict[str, Exception]] = {}
    judged: ClassVar[list[str]] = []
    workers = 2
    version = "1"

    def __init__(self, config: JudgeConfig) -> None:
        self.backend = "none" if config.backend == "none" else "simt"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def probe(self, task: Task, filters: TaskFilters, seed: int) -> Future[None]:
        assert filters == TaskFilters()
        return self._future(task.name, None)

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        assert self.backend == "simt"
        self.judged.append(candidate_id)
        right = "right" in code
        verdict = Verdict(
            candidate_id=candidate_id,
            status="correct" if right else "incorrect",
            reason=None if right else "wrong_value",
            checks=(Check(name="correct:own", passed=right),),
            backend=self.backend,
            judge_version=self.version,
        )
        return self._future(task.name, verdict)

    def _future(self, name: str, result: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if name in self.faults:
            future.set_exception(self.faults[name])
        else:
            future.set_result(result)
        return future


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    script = Path(__file__).parents[1] / "servers" / "chat.py"
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.terminate()


class Run:
    """A run's directory, its recipe, and the console that its progress writes to."""

    def __init__(self, out: Path, url: str) -> None:
        self.out = out
        self.url = url
        self.console = StringIO()
        self.recipe: Any = SimpleNamespace(
            seed=3,
            executor=LocalConfig(),
            tasks=SimpleNamespace(source="files", filters=TaskFilters(), decontaminate=None),
            evaluate=None,
            judge=JudgeConfig.model_validate({}),
        )
        self.configure()

    def teacher(self, **changes: Any) -> dict[str, Any]:
        return {"kind": "openai", "base_url": self.url, "model": "test-model", "retries": 2, **changes}

    def configure(self, **changes: Any) -> None:
        section = {"teacher": self.teacher(), "concurrency": 2, "judge_queue": 0, **changes}
        self.recipe.generate = GenerateConfig.model_validate(section)

    def stage(self, module: Any, *, seal: bool = True) -> Any:
        name = module.__name__.rpartition(".")[2]
        progress = StageProgress(name, Console(file=self.console, width=300))
        with StageStore(self.out / name, module.SCHEMA, {}) as store:
            stats = module.run(StageContext(self.recipe, self.out, store, progress))
            if seal:
                store.seal(stats)
        return stats

    def rows(self, stage: str, table: str = "data") -> list[dict[str, Any]]:
        return list(read_rows(self.out / stage, table))

    def candidates(self) -> list[Candidate]:
        return [from_row(Candidate, row) for row in self.rows("generate")]

    def plan(self, *steps: dict[str, Any]) -> None:
        urllib.request.urlopen(self.url.replace("/v1", "/plan"), json.dumps(steps).encode()).close()

    def log(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.url.replace("/v1", "/log")) as response:
            return json.load(response)

    def source(self, monkeypatch: pytest.MonkeyPatch, *found: Task) -> None:
        monkeypatch.setattr(tasks, "read_source", lambda _config, _seed: iter(found))


@pytest.fixture
def run(tmp_path, url, monkeypatch) -> Run:
    monkeypatch.setitem(sys.modules, "pipeline.judge.judge", SimpleNamespace(Judge=StandInJudge))
    monkeypatch.setattr(StandInJudge, "faults", {})
    monkeypatch.setattr(StandInJudge, "judged", [])
    monkeypatch.setattr(openai_teacher, "FIRST_PAUSE_SECONDS", 0.001)
    made = Run(tmp_path, url)
    made.source(monkeypatch, task("a"), task("b"), task("held", split="heldout"))
    made.plan()
    return made
