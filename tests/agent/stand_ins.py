"""A task whose kernels are numbers, for tests of evolution: the smaller, the better."""

import re
import secrets
from concurrent.futures import Future

from pipeline.records import Check, Message, Task, Verdict
from pipeline.teachers import Reply

TASK = Task(name="t", reference="class Model: pass", category="c", source="s")


class NumberTeacher:
    """Writes a module with a number drawn from the seed, below the best one that it is shown."""

    name = "numbers"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        self.asked.append(messages[-1].content)
        shown = re.findall(r"class ModelNew: number = (\d+)", messages[-1].content)
        best = min(map(int, shown), default=100)
        number = seed % 7 + best - 5
        content = f"```python\nclass ModelNew: number = {number}\n```" if seed % 5 else "no code"
        return Reply(content, None, "stop", 10, 20, {"seed": seed})

    async def close(self) -> None:
        pass


class NumberJudge:
    """Accepts numbers that are not a multiple of three; launches are the number, plus a noise that never repeats."""

    backend = "simt"
    version = "1"

    def __init__(self) -> None:
        self.judged: list[str] = []

    def submit(self, task: Task, code: str, candidate_id: str) -> Future[Verdict]:
        self.judged.append(code)
        number = int(code.rsplit(maxsplit=1)[-1])
        right = number % 3 != 0
        figures: dict[str, float | int | str | None] = {"launches": 100 * number + secrets.randbelow(90)}
        verdict = Verdict(
            candidate_id=candidate_id,
            status="correct" if right else "incorrect",
            reason=None if right else "wrong_value",
            checks=(Check(name="own_kernels", passed=right, figures=figures),),
            backend=self.backend,
            judge_version=self.version,
        )
        future: Future[Verdict] = Future()
        future.set_result(verdict)
        return future
