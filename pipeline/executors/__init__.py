"""Where the work is done: on this machine, or on those of a Ray cluster."""

from typing import TYPE_CHECKING

from pipeline.executors.config import ExecutorConfig, RayConfig
from pipeline.judge.config import JudgeConfig

if TYPE_CHECKING:
    from pipeline.executors.ray_judge import RayJudge
    from pipeline.judge.judge import Judge

__all__ = ["open_judge"]


def open_judge(
    executor: ExecutorConfig, config: JudgeConfig, seed: int, beside: "Judge | RayJudge | None" = None
) -> "Judge | RayJudge":
    """Return the judge of a recipe, to be used as a context manager; verdicts do not depend on where they are made.

    Args:
        executor: the recipe's section.
        config: how to judge.
        seed: the recipe's.
        beside: a judge that is open and stays so; on Ray, its actors serve both.

    Raises:
        UserError: the backend can't run here or in the cluster, or there is no cluster.
    """
    if isinstance(executor, RayConfig) and config.backend != "none":
        from pipeline.executors.ray_judge import RayJudge

        return RayJudge(executor, config, seed, beside=beside if isinstance(beside, RayJudge) else None)
    from pipeline.judge.judge import Judge

    return Judge(config, seed)
