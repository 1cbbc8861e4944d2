"""A second verification before release: what is kept is judged again, at sizes and on inputs that nobody has seen.

A kernel that is right by luck, or that a race makes right most of the time, has to be so twice; and one that is right
only at the sizes that reports on earlier attempts told is found out.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.curation.reading import read_candidates
from pipeline.executors import open_judge
from pipeline.futures import IN_FLIGHT_PER_WORKER, as_finished
from pipeline.judge.config import JudgeConfig
from pipeline.records import Task, Verdict
from pipeline.tables import to_row

if TYPE_CHECKING:
    from pipeline.stages import StageContext

TABLE = "reverified"
STEP = "reverified"  # its name in the funnel


class _Kept(NamedTuple):
    task: Task
    candidate_id: str
    code: str


def reverify(context: "StageContext", tasks: dict[str, Task], kept: set[str]) -> dict[str, str]:
    """Judge the kept candidates again, store each verdict at once, and return why some are dropped.

    Fresh seeds are drawn; where the recipe sets ``judge.seeds``, others are derived from them. What an earlier run
    has judged is not judged again.

    Raises:
        InfrastructureError: the judge failed on some candidates; the next run judges those again.
    """
    store = context.store
    recipe = context.recipe
    with open_judge(recipe.executor, _other_seeds(recipe.judge)) as judge:

        def submit(item: _Kept) -> Future[Verdict]:
            return judge.submit(item.task, item.code, item.candidate_id)

        owed = (item for item in _kept(context, tasks, kept) if f"{TABLE}/{item.candidate_id}" not in store)
        for item, future in as_finished(owed, submit, IN_FLIGHT_PER_WORKER * judge.workers):
            store.append(f"{TABLE}/{item.candidate_id}", to_row(future.result()), table=TABLE)
    decided = {row["candidate_id"]: row for row in store.rows(TABLE)}
    return {
        candidate: f"not_reproduced:{decided[candidate]['status']}"
        for candidate in sorted(kept)
        if not decided[candidate]["accepted"]
    }


def _other_seeds(config: JudgeConfig) -> JudgeConfig:
    if config.seeds == "fresh":
        return config
    return config.model_copy(update={"seeds": f"{config.seeds}/{STEP}"})


def _kept(context: "StageContext", tasks: dict[str, Task], kept: set[str]) -> Iterator[_Kept]:
    for row in read_candidates(context.out / "generate"):
        code: Any = row.values["code"]
        if row.key in kept:
            yield _Kept(tasks[row.values["task_id"]], row.key, code)
