"""The judge over HTTP under load: ``python -m tests.bench serve [PAIRS] [CLIENTS] [QUEUE]`` (default 300, 32, 64).

A real server process on loopback. Half of the pairs come a second time, with their builds cached. First CLIENTS ask
at a time, as a training does, and the rate is set against the same pairs judged in this process, in the same run.
Then twice as many as the queue holds ask at a time, all cached: how many are refused, and whether every pair still
gets one verdict, the same as before.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from pipeline.executors.config import RemoteConfig
from pipeline.executors.remote_judge import WORKERS, RemoteJudge
from pipeline.judge.config import JudgeConfig
from pipeline.judge.judge import Judge
from pipeline.records import Task, Verdict
from tests.bench.judge import candidates

TOKEN_ENV = "JUDGE_TOKEN"
SEEDS = "bench serve"  # the same for all, so that verdicts can be compared
COUNTING = threading.Lock()


class Pair(NamedTuple):
    """What is judged."""

    id: str
    task: Task
    code: str


class CountingJudge(RemoteJudge):
    """Counts the refusals, by status, that it answers with another attempt."""

    def __init__(self, url: str, refused: Counter[int]) -> None:
        self._refused = refused
        server = RemoteConfig(kind="remote", url=url, token_env=TOKEN_ENV)
        super().__init__(server, JudgeConfig(seeds=SEEDS))

    def _ask(self, path: str, body: dict[str, Any] | None) -> Any:
        try:
            return super()._ask(path, body)
        except urllib.error.HTTPError as error:
            with COUNTING:
                self._refused[error.code] += 1
            raise


class Round(NamedTuple):
    """Verdicts by id, their latencies in seconds, how long all took, and the ids that came more than once."""

    verdicts: dict[str, Verdict]
    latencies: list[float]
    seconds: float
    doubled: int

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds


def main(arguments: list[str]) -> dict[str, Any]:
    """Print rates, latencies, refusals and the server's memory."""
    count, clients, queue = (int(a) for a in [*arguments, *("300", "32", "64")[len(arguments) :]])
    pairs = _pairs(count)
    with tempfile.TemporaryDirectory() as folder:
        with Judge(JudgeConfig(backend="simt", seeds=SEEDS, cache=Path(folder) / "direct")) as judge:
            _asked(pairs[:1], 1, lambda n: judge)  # until its processes have started
            direct = _asked(pairs, clients, lambda n: judge)
        command = [sys.executable, "-m", "pipeline.stage", "judge", "--serve", "127.0.0.1:0", "--backend", "simt"]
        command += ["--token-env", TOKEN_ENV, "--queue", str(queue)]
        os.environ[TOKEN_ENV] = "a token of the benchmark"
        environment = {**os.environ, "HOME": folder}  # where its builds are cached: an empty one
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            url = child.stdout.readline().rsplit(" ", 1)[-1].strip()
            try:
                return _figures(pairs, clients, queue, url, psutil.Process(child.pid), direct)
            finally:
                child.send_signal(signal.SIGINT)


def _figures(
    pairs: Sequence[Pair], clients: int, queue: int, url: str, server: psutil.Process, direct: Round
) -> dict[str, Any]:
    crowd = 2 * queue
    refused: Counter[int] = Counter()
    judges = [CountingJudge(url, refused) for _ in range(-(-max(crowd, clients) // WORKERS))]
    judge_of: Callable[[int], RemoteJudge] = lambda n: judges[n % len(judges)]  # noqa: E731
    _asked(pairs[:1], 1, judge_of)
    served = _asked(pairs, clients, judge_of)
    refused_of_few, memory = refused.total(), [server.memory_info().rss]
    crowded = _asked(pairs, crowd, judge_of)
    memory.append(server.memory_info().rss)
    for judge in judges:
        judge.close()
    rounds = (served, crowded)
    latencies = sorted(served.latencies)
    figures = {
        "pairs": len(pairs),
        "clients": clients,
        "queue": queue,
        "direct_per_second": round(direct.rate, 2),
        "served_per_second": round(served.rate, 2),
        "served_to_direct": round(served.rate / direct.rate, 3),
        "latency_s_median_and_p99": [round(latencies[len(latencies) * p // 100], 3) for p in (50, 99)],
        "refused": refused_of_few,
        "crowd": crowd,
        "crowd_per_second": round(crowded.rate, 2),
        "crowd_refused": dict(refused),
        "lost": sum(len(pairs) - len(r.verdicts) for r in rounds),
        "doubled": sum(r.doubled for r in rounds),
        "differ_from_direct": sum(_differ(direct, r) for r in rounds),
        "server_mib_after_each_round": [round(m / 2**20, 1) for m in memory],
    }
    for name, value in figures.items():
        print(f"{name:>28}: {value}")
    return figures


def _pairs(count: int) -> list[Pair]:
    fresh = [Pair(f"{n}", task, code) for n, (task, code) in enumerate(candidates(-(-count // 2)))]
    again = [pair._replace(id=f"{pair.id} again") for pair in fresh]
    random.Random(1).shuffle(again)
    return [*fresh, *again][:count]


def _asked(pairs: Sequence[Pair], at_once: int, judge_of: Callable[[int], Any]) -> Round:
    """Have all pairs judged, ``at_once`` at a time; ``judge_of`` says by whom the nth is."""

    def ask(numbered: tuple[int, Pair]) -> tuple[Verdict, float]:
        number, pair = numbered
        start = time.perf_counter()
        verdict = judge_of(number).submit(pair.task, pair.code, pair.id).result()
        return verdict, time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(at_once) as clients:
        answers = list(clients.map(ask, enumerate(pairs)))
    seconds = time.perf_counter() - start
    ids = Counter(verdict.candidate_id for verdict, _ in answers)
    verdicts = {verdict.candidate_id: verdict for verdict, _ in answers}
    return Round(verdicts, [latency for _, latency in answers], seconds, sum(n - 1 for n in ids.values()))


def _differ(direct: Round, other: Round) -> int:
    """Return how many verdicts are others: in status, reason or the checks that were made."""

    def outcome(verdict: Verdict | None) -> Any:
        return verdict and (verdict.status, verdict.reason, [(c.name, c.passed) for c in verdict.checks])

    differing = [i for i in direct.verdicts if outcome(direct.verdicts[i]) != outcome(other.verdicts.get(i))]
    for i in differing:
        print(f"{i}: {outcome(direct.verdicts[i])} became {outcome(other.verdicts.get(i))}")
    return len(differing)
