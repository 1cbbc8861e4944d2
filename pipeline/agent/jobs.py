"""What a stage generate has to do: rollouts of translate, task by task evolutions of evolve, and what is stored."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from pipeline.agent import budget
from pipeline.agent.budget import AdaptiveConfig, Difficulty
from pipeline.agent.evolve import EvolveConfig
from pipeline.records import Candidate, Task
from pipeline.store import StageStore
from pipeline.tables import from_row

if TYPE_CHECKING:
    from pipeline.stages.generate import GenerateConfig

Tasks = Callable[[], Iterator[Task]]


class Rollout(NamedTuple):
    """One sample of one task, or one task's evolution (its sample is 0), with the candidates that are stored already.

    ``units`` is how many samples or generations it adds, ``until`` where it ends: with that many generations.
    """

    task: Task
    sample: int
    earlier: tuple[Candidate, ...]
    units: int = 1
    until: int = 1


class Phase(NamedTuple):
    """Which units of each task are worked on: from ``start`` up to what ``end`` says of a task's id."""

    start: int
    end: Callable[[str], int]


def phases(store: StageStore, config: "GenerateConfig", tasks: Tasks, at_once: int) -> Iterator[Phase]:
    """Yield all units at once; with an adaptive budget the probes first, then what they have shown to be due.

    Where more tasks evolve than the ``at_once`` that are worked on at a time, every task's generation comes before
    any one's next: a run that its budget stops has something of each. Fewer tasks do not wait for one another.
    """
    stepwise = isinstance(config.mode, EvolveConfig) and sum(1 for _ in tasks()) > at_once
    if config.adaptive is None:
        yield from _steps(Phase(0, lambda _: config.units), config.units, stepwise=stepwise)
        return
    probe = min(config.adaptive.probe, config.units)
    yield from _steps(Phase(0, lambda _: probe), probe, stepwise=stepwise)
    bins = difficulties(store, config, tasks)
    units = budget.divide(bins, config.units, config.adaptive)
    yield from _steps(Phase(probe, lambda task_id: units[task_id]), max(units.values()), stepwise=stepwise)


def _steps(phase: Phase, last: int, *, stepwise: bool) -> Iterator[Phase]:
    """Yield a phase, or one for each unit of it; ``last`` is the largest of its ends."""
    if not stepwise:
        yield phase
        return
    for unit in range(phase.start, last):
        yield Phase(unit, lambda task_id, unit=unit: min(unit + 1, phase.end(task_id)))


def difficulties(store: StageStore, config: "GenerateConfig", tasks: Tasks) -> dict[str, Difficulty]:
    """Return each task's bin by the reasoning of its probes, by first turns only: later ones answer a report."""
    adaptive = config.adaptive or AdaptiveConfig()
    first = range(
        config.mode.proposals if isinstance(config.mode, EvolveConfig) else min(adaptive.probe, config.units)
    )
    bins: dict[str, Difficulty] = {}
    for task in tasks():
        rows = [row for n in first if (row := store.get(key(task.id, n, 0))) and "reason" not in row]
        bins[task.id] = budget.difficulty(budget.average_length([row["reasoning"] for row in rows]), adaptive)
    return bins


def rollouts(
    store: StageStore, config: "GenerateConfig", tasks: Tasks, phase: Phase, only: set[tuple[str, int]]
) -> Iterator[Rollout]:
    """Yield the rollouts of a phase that are not finished, or those of ``only`` if it is not empty.

    In translate, the first sample of every task comes before any second one: no task waits for another's samples,
    and a run that is stopped half-way, by its budget for one, has something of each.
    """
    if isinstance(config.mode, EvolveConfig):
        for task in tasks():
            until = phase.end(task.id)
            if until > phase.start and (not only or (task.id, 0) in only):
                earlier = _population(store, task, config.mode.proposals, until)
                if earlier is not None:
                    yield Rollout(task, 0, earlier, until - phase.start, until)
        return
    last = max((phase.end(task.id) for task in tasks()), default=0)
    for sample in range(phase.start, last):
        for task in tasks():
            if sample >= phase.end(task.id) or (only and (task.id, sample) not in only):
                continue
            earlier = _turns(store, task, sample, config.max_turns)
            if earlier is not None:
                yield Rollout(task, sample, earlier)


def units_done(store: StageStore, config: "GenerateConfig", tasks: Tasks) -> int:
    """Return how many units are complete in full, by their last candidates."""
    if isinstance(config.mode, EvolveConfig):
        last = config.mode.proposals - 1
        return sum(key(t.id, last, n) in store for t in tasks() for n in range(config.units))
    return sum(key(t.id, n, config.max_turns - 1) in store for t in tasks() for n in range(config.units))


def key(task_id: str, sample: int, turn: int) -> str:
    """Return a candidate's key in the store; keys sort as tasks, samples and turns do."""
    return f"{task_id}/{sample:04d}/{turn:02d}"


def _turns(store: StageStore, task: Task, sample: int, max_turns: int) -> tuple[Candidate, ...] | None:
    """Return a rollout's stored candidates, None if it has all its turns or its last request was refused."""
    earlier: list[Candidate] = []
    for turn in range(max_turns):
        row = store.get(key(task.id, sample, turn))
        if row is None:
            return tuple(earlier)
        if "reason" in row:
            return None
        earlier.append(from_row(Candidate, row))
    return None


def _population(store: StageStore, task: Task, proposals: int, generations: int) -> tuple[Candidate, ...] | None:
    """Return a task's stored candidates of its first generations, None if these are complete or it was refused."""
    rows = [store.get(key(task.id, slot, turn)) for turn in range(generations) for slot in range(proposals)]
    if all(rows) or any(row is not None and "reason" in row for row in rows):
        return None
    return tuple(from_row(Candidate, row) for row in rows if row is not None)
