"""How often the judge is wrong: honest, wrong and cheating candidates under both policies, and mutants of the honest.

A false accept is a wrong or cheating candidate that is accepted, a false reject an honest one that is not. Under
policy report, which forgives what leaves the values right at the task's own sizes, such candidates count as
acceptable. The rates come with exact 95% intervals, which hold for candidates like these. Mutants ask the opposite way: of honest
kernels with one small mistake each, how many are found out? Survivors may be equivalent: they are listed to be read.
"""

import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eval.metrics import Estimate, binomial_interval
from pipeline.judge.config import JudgeConfig, Policy
from pipeline.judge.judge import Judge
from pipeline.records import Task, Verdict
from tests.bench.mutants import mutants
from tests.cheats.cheats import cheats
from tests.cheats.cheats import task as cheats_task
from tests.honest.pairs import pairs
from tests.judge.examples import TASK, WRONG

POLICIES: tuple[Policy, ...] = ("strict", "report")
OUTCOMES = ("accepted", "rejected", "unsupported")
MUTANTS_PER_KERNEL = 4
ONLY_STRICT = ("rule:", "torch_computes", "host_computes")  # what policy report notes and does not reject
SPECIALISED = frozenset({"fixed sizes"})  # of the examples: right at the task's own sizes
SEEDS = "judge-quality"  # of the inputs: the same in every run, so that figures can be compared

Truth = Literal["honest", "wrong", "cheat"]


@dataclass(frozen=True)
class Subject:
    """A candidate of which is known what it is; ``in_report``: policy report, which only looks at values, accepts it."""

    name: str
    kind: str
    truth: Truth
    task: Task
    code: str
    in_report: bool

    def acceptable(self, policy: Policy) -> bool:
        """Whether the judge should accept it."""
        return self.truth == "honest" or (policy == "report" and self.in_report)


def main(arguments: list[str]) -> dict[str, Any]:
    """Print the tables; ``arguments`` may give another number of mutants a kernel, and the seed that they are drawn with.

    Without a seed the mutants are others in every run: the checks were developed against those of seed 1.
    """
    per_kernel = int(arguments[0]) if arguments else MUTANTS_PER_KERNEL
    seed = int(arguments[1]) if len(arguments) > 1 else secrets.randbelow(10**6)
    figures: dict[str, Any] = {}
    subjects = list(_subjects())
    with tempfile.TemporaryDirectory() as folder:
        for policy in POLICIES:
            start = time.perf_counter()
            with Judge(JudgeConfig(backend="simt", policy=policy, seeds=SEEDS, cache=Path(folder))) as judge:
                verdicts = _judged(judge, [(s.task, s.code) for s in subjects])
                figures[policy] = _report(policy, subjects, verdicts, time.perf_counter() - start)
                if policy == "strict":
                    figures["mutants"] = _mutants(judge, per_kernel, seed)
    return figures


def _subjects() -> Iterator[Subject]:
    for pair in pairs():
        yield Subject(pair.name, pair.task.category, "honest", pair.task, pair.code, in_report=True)
    for name, (code, status, reason) in WRONG.items():
        truth = "cheat" if status == "cheating" else "wrong"
        right_in_report = reason.startswith(ONLY_STRICT) or name in SPECIALISED
        yield Subject(name, f"example {status}", truth, TASK, code, right_in_report)
    for cheat in cheats():
        if not cheat.strict.startswith("task"):  # the fault is the task's, which is refused before it is posed
            right_in_report = cheat.report.startswith("accepted")
            entry = f"entry {cheat.entries[0]}"
            yield Subject(cheat.name, entry, "cheat", cheats_task(cheat.task), cheat.code, right_in_report)


def _judged(judge: Judge, work: Sequence[tuple[Task, str]]) -> list[Verdict]:
    futures = [judge.submit(task, code, str(number)) for number, (task, code) in enumerate(work)]
    return [future.result() for future in futures]


def _outcome(verdict: Verdict) -> str:
    if verdict.accepted:
        return "accepted"
    return "unsupported" if verdict.status == "unsupported" else "rejected"


def _report(policy: Policy, subjects: list[Subject], verdicts: list[Verdict], seconds: float) -> dict[str, Any]:
    table = Counter((s.truth, _outcome(v)) for s, v in zip(subjects, verdicts, strict=True))
    print(f"\npolicy {policy}, {len(subjects)} candidates in {seconds:.0f} s")
    print(f"{'':>8}" + "".join(f"{outcome:>13}" for outcome in OUTCOMES))
    for truth in ("honest", "wrong", "cheat"):
        print(f"{truth:>8}" + "".join(f"{table[truth, outcome]:>13}" for outcome in OUTCOMES))
    right = [s.acceptable(policy) for s in subjects]
    honest = [v for s, v in zip(subjects, verdicts, strict=True) if s.truth == "honest"]
    others = [v for v, ok in zip(verdicts, right, strict=True) if not ok]
    rates = {
        "false_accept": binomial_interval(sum(v.accepted for v in others), len(others)),
        "false_reject": binomial_interval(sum(not v.accepted for v in honest), len(honest)),
    }
    for name, rate in rates.items():
        print(f"{name.replace('_', '-')} rate: {_percent(rate)}")
    kinds: dict[str, list[bool]] = {}
    for subject, verdict, ok in zip(subjects, verdicts, right, strict=True):
        decided_rightly = verdict.accepted == ok or (not verdict.accepted and subject.truth != "honest")
        kinds.setdefault(f"{subject.truth} {subject.kind}", []).append(decided_rightly)
        if not decided_rightly:
            print(f"  {subject.truth} {subject.name!r}: {verdict.status}, {verdict.reason}: {verdict.detail}")
    print("decided rightly: " + ", ".join(f"{kind} {sum(them)}/{len(them)}" for kind, them in kinds.items()))
    return {
        "table": {truth: {o: table[truth, o] for o in OUTCOMES} for truth in ("honest", "wrong", "cheat")},
        **{name: [round(value, 4) for value in rate] for name, rate in rates.items()},
        "seconds": round(seconds, 1),
    }


def _percent(rate: Estimate) -> str:
    return f"{100 * rate.mean:.1f}% (95% interval {100 * rate.low:.1f}% to {100 * rate.high:.1f}%)"


def _mutants(judge: Judge, per_kernel: int, seed: int) -> dict[str, Any]:
    start = time.perf_counter()
    made = [(pair, mutant) for pair in pairs() for mutant in mutants(pair.code, per_kernel, seed=seed)]
    verdicts = _judged(judge, [(pair.task, mutant.code) for pair, mutant in made])
    undecided = ("compile_error", "unsupported")
    decided = [(p, m, v) for (p, m), v in zip(made, verdicts, strict=True) if v.status not in undecided]
    survivors = [(pair, mutant) for pair, mutant, verdict in decided if verdict.accepted]
    killed = binomial_interval(len(decided) - len(survivors), len(decided))
    seconds = time.perf_counter() - start
    print(
        f"\n{len(made)} mutants (seed {seed}) in {seconds:.0f} s, {len(made) - len(decided)} of them not to be built"
    )
    print(f"killed: {_percent(killed)}")
    kinds = Counter(mutant.kind for _, mutant, _ in decided)
    alive = Counter(mutant.kind for _, mutant in survivors)
    print("by kind: " + ", ".join(f"{kind} {count - alive[kind]}/{count}" for kind, count in sorted(kinds.items())))
    for pair, mutant in survivors:
        print(f"  survives: {pair.name}, line {mutant.line}, {mutant.kind}: {mutant.before}  =>  {mutant.after}")
    return {
        "seed": seed,
        "made": len(made),
        "decided": len(decided),
        "killed": [round(value, 4) for value in killed],
        "seconds": round(seconds, 1),
    }
