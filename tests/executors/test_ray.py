"""Work on a real Ray cluster of this machine, with two CPUs and two GPUs that do not exist."""

import asyncio
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.agent.prompting import translate
from pipeline.errors import InfrastructureError, TaskError, UserError
from pipeline.executors import open_judge
from pipeline.executors.actors import Actors
from pipeline.executors.config import LocalConfig, RayConfig
from pipeline.executors.ray_judge import JudgeActor, needs_of_a_judge
from pipeline.executors.ray_teacher import RayTeacher
from pipeline.judge.config import JudgeConfig
from pipeline.recipe import load_recipe
from pipeline.records import Task, Verdict
from pipeline.teachers import Reply
from pipeline.teachers.local import Config
from pipeline.teachers.making import make
from pipeline.teachers.transformers import TransformersTeacher
from tests.executors.slow import Slow
from tests.judge.examples import HONEST, TASK, WRONG
from tests.training.examples import OPERATORS, task, tiny_model

RAY = RayConfig(kind="ray")
CANDIDATES = {
    "honest": HONEST,
    "no python": "def",
    **{name: WRONG[name][0] for name in ("fallback", "ends the process", "library from outside", "wild pointer")},
}


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    import ray

    ray.init(num_cpus=2, num_gpus=2, object_store_memory=100 * 2**20, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def config(builds: Path) -> JudgeConfig:
    return JudgeConfig(backend="simt", seeds="the same", cache=builds, workers=2)


def judged(judge: Any) -> dict[str, Verdict]:
    futures = {name: judge.submit(TASK, code, name) for name, code in CANDIDATES.items()}
    return {name: future.result() for name, future in futures.items()}


def test_verdicts_are_those_of_this_machines_judge(ray: Any, config: JudgeConfig):
    with open_judge(LocalConfig(), config) as local, open_judge(RAY, config) as judge:
        assert judge.workers == 2
        assert (judge.backend, judge.version) == (local.backend, local.version)
        expected, found = judged(local), judged(judge)
        given = [one.outputs(TASK, HONEST, 2).result() for one in (local, judge)]
        broken = Task(name="broken", reference="import torch", category="c", source="test")
        with pytest.raises(TaskError) as of_ray:
            judge.probe(broken).result()
        with pytest.raises(TaskError) as of_local:
            local.probe(broken).result()
        assert (of_ray.value.reason, str(of_ray.value)) == (of_local.value.reason, str(of_local.value))
        assert judge.submit(TASK, CANDIDATES["fallback"], "fallback", "report").result().accepted
        assert not judge.submit(TASK, CANDIDATES["fallback"], "fallback").result().accepted
    assert given[0] == given[1] != [None, None]
    assert found == expected  # the sandbox's tier and every check's figures included
    assert len({v.status for v in expected.values()}) >= 4
    assert "none" not in {v.sandbox for v in found.values()}


def test_what_a_killed_actor_was_at_is_done_by_another(ray: Any, config: JudgeConfig):
    with open_judge(RAY, config) as judge:
        pids = judges_pids()
        assert len(pids) == 2
        futures = [judge.submit(TASK, HONEST + f"\n# {n}", str(n)) for n in range(8)]
        futures[0].result()
        os.kill(pids[0], signal.SIGKILL)
        verdicts = [future.result() for future in futures]
        wait_until(lambda: len(judges_pids()) == 2)  # it is back
        assert judge.submit(TASK, HONEST, "after").result().accepted
    assert [(v.candidate_id, v.status) for v in verdicts] == [(str(n), "correct") for n in range(8)]
    wait_until(lambda: not judges_pids())


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def judges_pids() -> list[int]:
    found = subprocess.run(["pgrep", "-f", f"^ray::{JudgeActor.__name__}"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def test_what_kills_every_actor_is_no_answer_and_takes_nobody_with_it(
    ray: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pipeline.executors.actors.ATTEMPTS", 2)  # each death costs a start
    with Actors(ray, Slow, (tmp_path,), 2, 2, {"num_cpus": 0}) as actors:
        poison = actors.submit("candidate 7", "work", -1, True)
        with pytest.raises(InfrastructureError, match="candidate 7: 2 actors in succession died at it"):
            poison.result()
        answers = [actors.submit("x", "work", n, False) for n in range(20)]
        assert [future.result()[0] for future in answers] == list(range(20))
        pid = actors.submit("x", "fail", InfrastructureError("our own fault")).result()
        assert str(pid) != (tmp_path / "failed").read_text()
        (tmp_path / "failed").unlink()
        with pytest.raises(ValueError, match="somebody's fault"):
            actors.submit("x", "fail", ValueError("somebody's fault")).result()
    begun = Counter((tmp_path / "begun").read_text().split())
    assert begun["-1"] == 2
    assert all(begun[str(n)] == 1 for n in range(20))
    assert (tmp_path / "closed").exists()


def test_actors_of_the_backend_cuda_have_a_gpu_each(ray: Any, tmp_path: Path):
    with Actors(ray, Slow, (tmp_path,), 2, 1, needs_of_a_judge(RAY, "cuda")) as actors:
        futures = [actors.submit("x", "gpus") for _ in range(2)]
        assert {future.result() for future in futures} == {"0", "1"}
    assert needs_of_a_judge(RAY, "simt")["num_gpus"] == 0


def test_what_the_user_can_mend_is_one_line(
    ray: Any, config: JudgeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    cuda = config.model_copy(update={"backend": "cuda"})
    with pytest.raises(UserError, match=r"^judge.backend: cuda needs an NVIDIA GPU.*use simt$"):  # an actor says so
        open_judge(RAY, cuda)
    with pytest.raises(UserError, match=r"no machine of the Ray cluster has 5 CPUs$"):
        open_judge(RayConfig(kind="ray", cpus_per_actor=5), config)
    monkeypatch.setattr("pipeline.executors.actors.START_SECONDS", 1.0)
    with pytest.raises(UserError, match=r"no place for a JudgeActor \(1 cpus, 9 gpus\)$"):
        open_judge(RayConfig(kind="ray", actors=1, gpus_per_actor=9), cuda)
    monkeypatch.undo()
    (tmp_path / "only_here.py").write_text("class Unknown:\n    def start(self):\n        pass\n")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(tmp_path)
        unknown = importlib.import_module("only_here").Unknown
    with pytest.raises(UserError, match=r"No module named 'only_here'; is the project installed.*on every machine"):
        Actors(ray, unknown, (), 1, 1, {"num_cpus": 0})
    monkeypatch.setattr("pipeline.executors.ray_judge.judge_version", lambda: "another")
    with pytest.raises(UserError, match=r"version \w+, the one that asks is another; install the same"):
        open_judge(RAY, config)


def test_a_local_teacher_answers_the_same_from_several_actors(ray: Any, tmp_path: Path):
    prompts = [translate(task(operator)) for operator in OPERATORS[:4]]
    settings = {"kind": "local", "model": str(tiny_model(tmp_path)), "max_new_tokens": 16, "batch_size": 2}
    config = Config.model_validate(settings)
    expected = TransformersTeacher(config).answer(prompts, range(4))
    teacher = make(config, executor=RayConfig(kind="ray", teachers=2, gpus_per_teacher=0.5))
    assert isinstance(teacher, RayTeacher)

    async def ask() -> list[Reply]:
        try:
            return await asyncio.gather(*(teacher.complete(p, seed) for seed, p in enumerate(prompts)))
        finally:
            await teacher.close()

    assert asyncio.run(ask()) == expected


def test_closing_does_not_wait_for_what_is_under_way(ray: Any, tmp_path: Path):
    actors = Actors(ray, Slow, (tmp_path,), 1, 1, {"num_cpus": 0})
    futures = [actors.submit("x", "work", n, False) for n in range(200)]
    futures[0].result()
    closing = threading.Thread(target=actors.close)
    closing.start()
    closing.join(timeout=5)
    assert not closing.is_alive()
    assert all(future.cancelled() or future.done() for future in futures)


RECIPE = "recipes/quickstart.yaml"


def test_without_a_cluster_or_ray_it_is_one_line_too(tmp_path: Path):
    def run(*overrides: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline.stage", "tasks", RECIPE, "--out", str(tmp_path / "out")]
        return subprocess.run([*command, *overrides], capture_output=True, text=True, env=os.environ | environment)

    nobody = run("executor.kind=ray", "executor.address=127.0.0.1:9")
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert nobody.stderr.splitlines()[-1].startswith("error: executor.address: no Ray cluster at '127.0.0.1:9'")
    assert "Traceback" not in nobody.stderr
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "__init__.py").write_text("raise ImportError\n")
    missing = run("executor.kind=ray", PYTHONPATH=str(tmp_path))
    assert missing.returncode == 2
    assert "executor.kind: ray is not installed here; pip install 'kernel-pipeline[ray]'" in missing.stderr


def test_the_executor_is_no_part_of_a_stages_identity():
    from pipeline.inputs import expected_inputs

    local, spread = load_recipe(Path(RECIPE)), load_recipe(Path(RECIPE), ["executor.kind=ray", "executor.actors=4"])
    assert isinstance(spread.executor, RayConfig)
    assert spread.executor.actors == 4
    for stage in ("tasks", "generate", "verify", "evaluate"):
        assert expected_inputs(local, Path("nowhere"), stage) == expected_inputs(spread, Path("nowhere"), stage)
    with pytest.raises(UserError, match=r"executor\.actor: unknown key; did you mean actors\?"):
        load_recipe(Path(RECIPE), ["executor.kind=ray", "executor.actor=4"])
