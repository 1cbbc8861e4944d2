"""Where the work is done: on this machine, on those of a Ray cluster, or on another one behind HTTP."""

from typing import TYPE_CHECKING, TypeAlias

from pipeline.executors.config import ExecutorConfig, RayConfig, RemoteConfig
from pipeline.judge.config import JudgeConfig

if TYPE_CHECKING:
    from pipeline.executors.ray_judge import RayJudge
    from pipeline.executors.remote_judge import RemoteJudge
    from pipeline.judge.judge import Judge

__all__ = ["AnyJudge", "open_judge"]

AnyJudge: TypeAlias = "Judge | RayJudge | RemoteJudge"


def open_judge(executor: ExecutorConfig, config: JudgeConfig) -> AnyJudge:
    """Return the judge of a recipe, to be used as a context manager; verdicts do not depend on where they are made.

    Args:
        executor: the recipe's section.
        config: how to judge.

    Raises:
        UserError: the backend can't run here or in the cluster, or there is no cluster, or no server.
    """
    if isinstance(executor, RayConfig) and config.backend != "none":
        from pipeline.executors.ray_judge import RayJudge

        return RayJudge(executor, config)
    if isinstance(executor, RemoteConfig) and config.backend != "none":
        from pipeline.executors.remote_judge import RemoteJudge

        return RemoteJudge(executor, config)
    from pipeline.judge.judge import Judge

    return Judge(config)
