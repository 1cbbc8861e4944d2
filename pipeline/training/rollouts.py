"""The answers that reinforcement learning learns from: written by the model, judged, and credited.

TRL repeats a task ``num_generations`` times in a row. Here ``turns`` consecutive places are one trajectory: a wrong
answer is shown what the judge found and the next place holds the next answer, with its own prompt. After a right
answer the remaining places begin anew, so that none is wasted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline.agent.loop import answered
from pipeline.agent.prompting import SHIPPED, Prompts, repair, translate
from pipeline.agent.reply import CLOSE
from pipeline.agent.report import Attempt
from pipeline.agent.verdicts import Judging, without_code
from pipeline.errors import InfrastructureError
from pipeline.records import Candidate, Message, Task, Verdict
from pipeline.teachers import Reply
from pipeline.training.chat import opened, prompt_text
from pipeline.training.config import GrpoSection
from pipeline.training.rewards import concise, credits_over_turns, score

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_FAILED_ROUNDS = 3  # rounds in which the judge itself failed on every answer


@dataclass
class Trajectory:
    """Answers to one task, each beside its reward; ``verdict`` is the last answer's, None where the judge failed.

    ``attempts`` are the answers that have a verdict, with it.
    """

    task: Task
    prompts: Prompts = SHIPPED
    answers: list[Candidate] = field(default_factory=list)
    rewards: list[float | None] = field(default_factory=list)
    verdict: Verdict | None = None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether there is nothing to mend: the last answer is right, or nothing is known about it."""
        return bool(self.answers) and (self.verdict is None or self.verdict.status in ("correct", "unsupported"))

    def prompt(self) -> tuple[Message, ...]:
        """Return the messages that ask for the next answer."""
        if not self.answers or self.verdict is None:
            return translate(self.task, self.prompts)
        return repair(self.task, self.attempts, self.prompts)


class Rollouts:
    """TRL's ``rollout_func``: prompts are task ids, and the answers come with their credit as ``score``.

    Args:
        tasks: by id.
        tokenizer: the model's; its chat template is applied here, as it is when the model is evaluated.
        judge: decides; faults of its own are counted and give no reward.
        config: the section ``train.grpo``.
        prompts: what is asked with.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        tokenizer: "PreTrainedTokenizerBase",
        judge: Judging,
        config: GrpoSection,
        prompts: Prompts = SHIPPED,
    ) -> None:
        self.tasks = tasks
        self.tokenizer = tokenizer
        self.judge = judge
        self.config = config
        self.prompts = prompts
        self.counts: Counter[str] = Counter()
        self._failed_rounds = 0

    def __call__(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """Return token ids of each prompt and each answer, and the answers' credit.

        Raises:
            ValueError: the places don't come in whole trajectories.
            InfrastructureError: the judge failed on all answers, several rounds in a row.
        """
        turns = self.config.turns
        slots = [prompts[i : i + turns] for i in range(0, len(prompts), turns)]
        if any(len(slot) != turns or len(set(slot)) != 1 for slot in slots):
            raise ValueError(f"the prompts of one process are no whole trajectories of {turns} turns")
        runs = [[Trajectory(self.tasks[slot[0]], self.prompts)] for slot in slots]
        prompt_ids: list[list[list[int]]] = [[] for _ in slots]
        answer_ids: list[list[list[int]]] = [[] for _ in slots]
        sampled: list[list[list[float]]] = [[] for _ in slots]  # the sampler's log-probabilities, where it tells them
        for _ in range(turns):
            for run in runs:
                if run[-1].ended:
                    run.append(Trajectory(run[-1].task, self.prompts))
            texts = [prompt_text(self.tokenizer, run[-1].prompt()) for run in runs]
            asked = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
            # TRL's own generation, whichever engine it has; one prompt for each answer, since later turns differ.
            written, log_probs = trainer._generate_single_turn(asked, None, {}, 1)  # noqa: SLF001
            self._judge([run[-1] for run in runs], texts, written)
            for slot, (question, answer) in enumerate(zip(asked, written, strict=True)):
                prompt_ids[slot].append(list(question))
                answer_ids[slot].append(list(answer))
                if log_probs is not None:
                    sampled[slot].append(log_probs[slot])
        scores = [
            credit
            for run in runs
            for trajectory in run
            for credit in credits_over_turns(trajectory.rewards, self.config.discount)
        ]
        return {
            "prompt_ids": list(chain.from_iterable(prompt_ids)),
            "completion_ids": list(chain.from_iterable(answer_ids)),
            "logprobs": list(chain.from_iterable(sampled)) or None,
            "score": scores,
        }

    def _judge(
        self, trajectories: Sequence[Trajectory], prompts: Sequence[str], written: Sequence[list[int]]
    ) -> None:
        """Note each trajectory's next answer, its verdict and its reward; all are judged at the same time."""
        pending: list[Future[Verdict] | Verdict] = []
        for trajectory, prompt, tokens in zip(trajectories, prompts, written, strict=True):
            candidate = self._candidate(trajectory, prompt, tokens)
            trajectory.answers.append(candidate)
            if candidate.code is None:
                pending.append(without_code(candidate, self.judge))
            else:
                pending.append(self.judge.submit(trajectory.task, candidate.code, candidate.id))
        faults: list[InfrastructureError] = []
        for trajectory, verdict, tokens in zip(trajectories, pending, written, strict=True):
            try:
                trajectory.verdict = verdict.result() if isinstance(verdict, Future) else verdict
            except InfrastructureError as error:
                faults.append(error)
                trajectory.verdict = None
                trajectory.rewards.append(None)
                self.counts["judge_failed"] += 1
            else:
                trajectory.attempts.append(Attempt(trajectory.answers[-1], trajectory.verdict))
                trajectory.rewards.append(self._reward(trajectory.verdict, tokens))
                self.counts[trajectory.verdict.status] += 1
        self._failed_rounds = self._failed_rounds + 1 if len(faults) == len(trajectories) else 0
        if self._failed_rounds >= MAX_FAILED_ROUNDS:
            raise faults[0]

    def _reward(self, verdict: Verdict, tokens: list[int]) -> float | None:
        reward = score(self.config.reward, verdict)
        if reward is None or not self.config.concise_weight:
            return reward
        text = self.tokenizer.decode(tokens, skip_special_tokens=False)
        assert isinstance(text, str)  # noqa: S101  (one sequence in, one text out)
        reasoning, closing, _ = text.partition(CLOSE)
        length = len(self.tokenizer(reasoning, add_special_tokens=False)["input_ids"]) if closing else 0
        return concise(reward, verdict, length, self.config.concise_weight, self.config.concise_tokens)

    def _candidate(self, trajectory: Trajectory, prompt: str, tokens: list[int]) -> Candidate:
        """Return the answer in the tokens that the model wrote after a prompt."""
        ended = bool(tokens) and tokens[-1] == self.tokenizer.eos_token_id
        text = self.tokenizer.decode(tokens[:-1] if ended else tokens, skip_special_tokens=False)
        reply = Reply(
            content=f"{opened(prompt)}{text}",
            reasoning=None,
            finish_reason="stop" if ended else "length",
            prompt_tokens=None,
            completion_tokens=len(tokens),
        )
        return answered(trajectory.task, 0, "policy", trajectory.answers, trajectory.prompt(), reply)
