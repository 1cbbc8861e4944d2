"""What the evaluated answers give on inputs that they share: gathered after the verdicts, and made classes of.

A row a task, policy and code is kept in the stage's table ``outputs``, so a run that goes on executes none again.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from eval.selection.outputs import Outputs, classes
from pipeline.executors import AnyJudge
from pipeline.futures import as_finished
from pipeline.judge.config import Policy
from pipeline.judge.outputs import Fingerprint
from pipeline.progress import StageProgress
from pipeline.records import Task, content_hash
from pipeline.store import StageStore

TABLE = "outputs"
SCHEMA = pa.schema(
    [("task_id", pa.string()), ("policy", pa.string()), ("code", pa.string()), ("outputs", pa.string())]
)
NOT_RUN = frozenset({"malformed", "compile_error", "unsupported", "timeout"})  # nothing was built, or it has no end

Given: TypeAlias = Future[list[Fingerprint | None]]


class Place(NamedTuple):
    """Whose outputs: equal answers to a task share them."""

    policy: Policy
    task_id: str
    code: str  # a hash

    @property
    def key(self) -> str:
        """Of the row in the store."""
        return f"{TABLE}/{self.policy}/{self.task_id}/{self.code}"


def place(row: Mapping[str, Any], policy: Policy) -> Place | None:
    """Return where an answer's outputs are kept; None of one that is not run."""
    if row["code"] is None or row["verdict_status"] in NOT_RUN:
        return None
    return Place(policy, row["task_id"], content_hash(row["code"]))


def gather(
    store: StageStore,
    tasks: Iterable[Task],
    policy_of: Callable[[str], Policy],
    judge: AnyJudge,
    number: int,
    in_flight: int,
    progress: StageProgress,
) -> None:
    """Run what has not been run on ``number`` shared inputs, at most ``in_flight`` at a time, and keep what it gives.

    Raises:
        InfrastructureError: the judge failed on some; the next run runs those again.
    """
    by_id = {task.id: task for task in tasks}
    owed: dict[Place, str] = {}
    for row in store.rows():
        found = place(row, policy_of(row["model"]))
        if found is not None and found.key not in store:
            owed[found] = row["code"]

    if not owed:
        return
    progress.stop()
    progress.say(f"what {len(owed)} answers give on shared inputs")
    progress.start(len(owed))

    def submit(where: Place) -> Given:
        return judge.outputs(by_id[where.task_id], owed[where], number, where.policy)

    for where, future in as_finished(owed, submit, in_flight):
        store.append(where.key, {**where._asdict(), "outputs": json.dumps(future.result())}, TABLE)
        progress.advance()


def classes_of(
    rows: Sequence[Mapping[str, Any]], kept: Iterable[Mapping[str, Any]], policy_of: Callable[[str], Policy]
) -> list[list[int | None] | None]:
    """Return the classes of each row's outputs among its model's answers to the task, in the order of the rows.

    None where no answer of the model to the task was run; an answer that was not run among others gave nothing.

    Args:
        rows: of the stage.
        kept: of the table ``outputs``.
        policy_of: a model's policy.
    """
    known: dict[Place, Outputs] = {
        Place(row["policy"], row["task_id"], row["code"]): json.loads(row["outputs"]) for row in kept
    }
    together: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        together[row["model"], row["task_id"]].append(index)
    found: list[list[int | None] | None] = [None] * len(rows)
    for (model, _), indices in together.items():
        places = [place(rows[index], policy_of(model)) for index in indices]
        given = [known.get(where) if where else None for where in places]
        number = max((len(own) for own in given if own is not None), default=0)
        if number:
            filled = [own if own is not None else [None] * number for own in given]
            for index, own in zip(indices, classes(filled), strict=True):
                found[index] = own
    return found
