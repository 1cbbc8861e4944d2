"""generate stopped in the middle: nothing is missing, doubled, or asked for again."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from pipeline.stages import generate, tasks
from tests.stages.generating import Run
from tests.stages.generating import run as run  # noqa: PLC0414  (the fixture)
from tests.stages.generating import url as url  # noqa: PLC0414  (the fixture)

INTERRUPTED = """
import sys
from pathlib import Path
from types import SimpleNamespace
from pipeline.executors.config import LocalConfig
from pipeline.judge.config import JudgeConfig
from pipeline.progress import StageProgress
from pipeline.stages import StageContext, generate
from pipeline.store import StageStore
out, url = Path(sys.argv[1]), sys.argv[2]
teacher = {"kind": "openai", "base_url": url, "model": "test-model"}
config = generate.GenerateConfig.model_validate({"teacher": teacher, "samples_per_task": 5, "concurrency": 2})
recipe = SimpleNamespace(seed=3, executor=LocalConfig(), judge=JudgeConfig(), generate=config)
with StageStore(out / "generate", generate.SCHEMA, {}) as store:
    generate.run(StageContext(recipe, out, store, StageProgress("generate")))
"""


def test_an_interrupted_process_keeps_its_rows_and_the_next_asks_for_the_rest(run):
    run.stage(tasks)
    run.plan({}, {}, {"hang": True}, {}, {"hang": True})
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, run.out, run.url], stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        while len(run.log()) < 5 and child.poll() is None:
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        assert child.communicate()[1].endswith(b"KeyboardInterrupt\n")
    run.plan()
    run.configure(samples_per_task=5)
    assert run.stage(generate)["candidates"] == 10
    assert len(run.log()) == 7


def killed_after(run: Run, requests: int) -> bool:
    """Start the stage in a process of its own and kill -9 it when the server has got that many requests."""
    command = [
        sys.executable,
        "-c",
        INTERRUPTED.replace('"samples_per_task": 5', '"samples_per_task": 30'),
        run.out,
        run.url,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]) as child:
        while len(run.log()) < requests and child.poll() is None:
            time.sleep(0.01)
        child.kill()
        return child.wait() == -signal.SIGKILL


def test_kill_9_costs_no_row_and_no_more_than_what_was_in_flight(run):
    run.stage(tasks)
    run.plan(*[{"delay": 0.05}] * 100)
    assert [killed_after(run, n) for n in (5, 23, 41)] == [True] * 3
    run.configure(samples_per_task=30)
    stats = run.stage(generate)
    asked = Counter(body["seed"] for body in run.log())
    candidates = run.candidates()
    assert len({(c.task_id, c.sample) for c in candidates}) == len(candidates) == len(asked) == 60
    assert asked.total() - 60 <= 3 * 2  # three kills, two requests in flight
    assert stats["requests"]["answered"] == 60


def test_a_reply_that_only_the_journal_has_is_not_asked_for_again(run):
    run.stage(tasks)
    run.stage(generate, seal=False)
    before = run.log()
    for shard in (run.out / "generate").glob("shard-*.jsonl"):
        shard.unlink()
    stats = run.stage(generate)
    assert len(run.log()) == len(before) == stats["requests"]["answered"] == stats["candidates"] == 2
