"""On a GPU: no honest kernel is turned away, no cheat gets in, and speed is sane. Run: ``pytest -m gpu``."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from pipeline.judge.config import JudgeConfig
from pipeline.judge.cuda.gpus import why_not
from pipeline.judge.judge import Judge
from pipeline.judge.sandbox import missing
from pipeline.records import Timing, Verdict
from tests.cheats.cheats import Cheat, cheats, task
from tests.honest.pairs import Pair, pairs
from tests.judge.examples import HONEST, TASK, WRONG

SANDBOX = "auto" if missing() is None else "none"  # where nothing can be confined, our own files run all the same
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(why_not()), reason=str(why_not()))]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("builds")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def judge(cache: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="cuda", cache=cache, seeds="gpu", timing="none", sandbox=SANDBOX)) as judge:
        yield judge


@pytest.fixture(scope="module")
def timing_judge(cache: Path) -> Iterator[Judge]:
    with Judge(JudgeConfig(backend="cuda", cache=cache, seeds="gpu", workers=1, sandbox=SANDBOX)) as judge:
        yield judge


CHEATS = [c for c in cheats() if not c.strict.startswith("task ")]


@pytest.fixture(scope="module")
def honest(judge: Judge) -> dict[str, Future[Verdict]]:
    """All at once: each costs seconds, of which a GPU's processes and nvcc take most."""
    return {pair.name: judge.submit(pair.task, pair.code, pair.name) for pair in pairs()}


@pytest.fixture(scope="module")
def cheating(judge: Judge) -> dict[str, Future[Verdict]]:
    return {cheat.name: judge.submit(task(cheat.task), cheat.code, cheat.name) for cheat in CHEATS}


@pytest.mark.parametrize("name", [pair.name for pair in pairs()])
def test_an_honest_kernel_is_accepted(honest: dict[str, Future[Verdict]], name: str):
    verdict = honest[name].result()
    assert verdict.accepted, f"{verdict.status}, {verdict.reason}: {verdict.detail}"
    assert verdict.backend == "cuda"


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda c: c.name)
def test_no_cheat_gets_in(cheating: dict[str, Future[Verdict]], cheat: Cheat):
    verdict = cheating[cheat.name].result()
    assert not verdict.accepted
    assert verdict.status != "unsupported" or "unsupported" in cheat.strict, verdict


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_kernel_is_rejected_and_the_judge_goes_on(judge: Judge, name: str):
    assert not judge.submit(TASK, WRONG[name][0], name).result().accepted
    assert judge.submit(TASK, HONEST, "after").result().accepted


def timed(judge: Judge, pair: Pair) -> Timing:
    verdict = judge.submit(pair.task, pair.code, pair.name).result()
    assert verdict.accepted, f"{verdict.status}, {verdict.reason}: {verdict.detail}"
    assert verdict.timing is not None, [check for check in verdict.checks if check.name == "timing"]
    return verdict.timing


def test_speed_has_an_interval_baselines_and_a_share_of_own_kernels(timing_judge: Judge):
    timing = timed(timing_judge, next(pair for pair in pairs() if pair.name == "05_gelu_tanh"))
    assert 0 < timing.speedup_low <= timing.speedup <= timing.speedup_high
    assert timing.candidate_ms > 0
    assert timing.graph_ms is not None
    assert timing.compile_ms is not None
    assert timing.own_kernel_share is not None
    assert timing.own_kernel_share > 0.5
    assert timing.device


def test_forward_and_backward_are_timed(timing_judge: Judge):
    assert timed(timing_judge, next(pair for pair in pairs() if pair.name == "97_backward_gated_tanh")).eager_ms > 0


def test_a_kernel_that_does_everything_four_times_is_slower(timing_judge: Judge):
    (pair,) = (pair for pair in pairs() if pair.name == "34_matmul_naive")
    launch = next(line for line in pair.code.splitlines() if "<<<" in line)
    slow = Pair("slow", pair.task, pair.code.replace(launch, "\n".join([launch] * 4)))
    assert timed(timing_judge, slow).candidate_ms > 1.5 * timed(timing_judge, pair).candidate_ms
