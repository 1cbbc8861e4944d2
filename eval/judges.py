"""Who judges an evaluation: a judge of this machine or of a cluster, one per policy, or one on another machine."""

import functools
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from eval.executing import Executing
from pipeline.errors import UserError
from pipeline.executors import open_judge
from pipeline.judge.config import Policy
from pipeline.judge.remote import RemoteJudge
from pipeline.judge.version import judge_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.executors.ray_judge import RayJudge
    from pipeline.judge.judge import Judge


def open_judges(
    recipe: Any, stack: ExitStack
) -> "tuple[Judge | RayJudge | RemoteJudge, Callable[[Policy], Executing]]":
    """Return the judge of the recipe's policy, and who judges by a policy; the stack closes them.

    Raises:
        UserError: there is no judge at ``evaluate.judge_url``, or it is of another version or policy; or see
            ``open_judge``.
    """
    url = recipe.evaluate.judge_url
    if url is not None:
        judge = stack.enter_context(RemoteJudge(url, recipe.evaluate.judge_token_env))
        if judge.version != judge_version():
            raise UserError(f"{url}: a judge of another version ({judge.version}, here {judge_version()})")

        def remote(policy: Policy) -> Executing:
            if policy != judge.policy:
                raise UserError(f"{url}: judges by policy {judge.policy}; start it with --policy {policy}")
            return judge

        return judge, remote

    first = stack.enter_context(open_judge(recipe.executor, recipe.judge, recipe.seed))

    @functools.cache
    def local(policy: Policy) -> Executing:
        if policy == recipe.judge.policy:
            return first
        other = recipe.judge.model_copy(update={"policy": policy})
        return stack.enter_context(open_judge(recipe.executor, other, recipe.seed, beside=first))

    return first, local
