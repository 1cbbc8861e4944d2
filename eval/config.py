"""The recipe's ``evaluate`` section."""

from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from eval import kernels
from eval.suite import HELDOUT, Suite, load_suite, source_of
from pipeline.errors import UserError
from pipeline.mistakes import told
from pipeline.section import Section, throughput
from pipeline.teachers import transformers
from pipeline.teachers.making import TeacherConfig

TrainedModel = Literal["untrained", "student"]
Strategy = Literal["parallel", "sequential", "beam", "evolve"]
TRAINED: tuple[TrainedModel, ...] = get_args(TrainedModel)  # folders of the train stage
ModelConfig = Annotated[TeacherConfig | kernels.Config, Field(discriminator="kind")]


class Known(Section):
    """Candidates of which is known what they are: how many, and about how many of them the judge was wrong.

    A published rate is ``wrong: rate * of``.
    """

    wrong: float = Field(ge=0)
    of: int = Field(ge=1)

    @model_validator(mode="after")
    def _is_a_share(self) -> Self:
        if self.wrong > self.of:
            raise ValueError(f"wrong ({self.wrong:g}) is more than of ({self.of})")
        return self


class JudgeErrorConfig(Section):
    """The judge's errors, as ``tests/bench`` counts them: wrong or cheating ones accepted, honest ones rejected."""

    false_accepts: Known
    false_rejects: Known


class EvaluateConfig(Section):
    """On what models are evaluated, how they are asked and what is computed from their verdicts.

    ``suite``: the run's own held-out tasks, a shipped suite, a YAML file or a folder of modules (see ``eval.suite``);
    ``suite_path`` names the checkout of a benchmark. ``trained`` are evaluated from the train stage, which is not run
    if there are none; ``models`` adds others, each a ``teacher`` section under a name, or finished ``kernels``.
    ``limit`` takes that many tasks. pass@k is estimated from ``samples_per_task`` samples and fast_p for the
    thresholds ``fast_p``; intervals come from ``resamples`` bootstrap resamples of the tasks, or also of their
    ``samples``. ``token_budgets`` ask for the share solved within so many completion tokens a task; ``prices`` are
    dollars for a million prompt and completion tokens, by model. ``judge_error`` carries the judge's own errors into
    pass@1. ``strategies`` spend ``strategy_tokens`` completion tokens a task each, beside the samples: see
    ``eval.strategies``. ``outputs``: on how many inputs that all answers to a task share each is run besides, so that
    answers can be chosen by what they give; 0: on none. ``logprobs`` asks the trained models for the probabilities of
    their answers, as a named model's own ``logprobs`` does. ``batch_size`` conversations are answered at once; to
    change it between two halves of one evaluation may change single answers through rounding.
    """

    suite: str = HELDOUT
    suite_path: Path | None = None
    trained: tuple[TrainedModel, ...] = TRAINED
    models: dict[str, ModelConfig] = Field(default_factory=dict)
    limit: int | None = Field(default=None, ge=1)
    samples_per_task: int = Field(default=4, ge=1, le=9999)
    k: tuple[int, ...] = (1, 4)
    temperature: float = Field(default=0.6, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=4096, ge=1)
    fast_p: tuple[float, ...] = (0.0, 0.8, 1.0, 1.5, 2.0)
    token_budgets: tuple[Annotated[int, Field(ge=1)], ...] = ()
    prices: dict[str, tuple[float, float]] = Field(default_factory=dict)
    intervals: Literal["tasks", "samples"] = "tasks"
    resamples: int = Field(default=1000, ge=1)
    judge_error: JudgeErrorConfig | None = None
    strategies: tuple[Strategy, ...] = ()
    strategy_tokens: int | None = Field(default=None, ge=1)
    outputs: int = Field(default=0, ge=0, le=64)
    logprobs: bool = False
    batch_size: int = throughput(64, ge=1)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if not self.k or not all(1 <= k <= self.samples_per_task for k in self.k):
            raise ValueError(f"each k must be from 1 to samples_per_task ({self.samples_per_task}), given {self.k}")
        if taken := self.models.keys() & set(TRAINED):
            raise ValueError(f"models.{min(taken)} is the name of a model that is evaluated anyway")
        if not self.trained and not self.models:
            raise ValueError("trained and models are both empty: there is nothing to evaluate")
        if unknown := self.prices.keys() - {*self.trained, *self.models}:
            raise ValueError(f"prices.{min(unknown)} is not a model that is evaluated")
        if bool(self.strategies) != (self.strategy_tokens is not None):
            raise ValueError("strategies and strategy_tokens belong together: ways to spend that many tokens a task")
        return self

    def asked(self, model: str) -> transformers.Config:
        """Return how a model that was trained here, a folder, is asked."""
        return transformers.Config(
            kind="transformers",
            model=model,
            temperature=self.temperature,
            top_p=self.top_p,
            max_new_tokens=self.max_new_tokens,
            batch_size=self.batch_size,
            logprobs=self.logprobs,
        )

    def local_files(self) -> dict[str, list[Path]]:
        """Return what the suite's tasks are read from."""
        if self.suite == HELDOUT:
            return {}
        source = source_of(load_suite(self.suite, self.suite_path))
        return {"suite": [file for files in source.local_files().values() for file in files]}

    def resolved(self) -> tuple["EvaluateConfig", Suite | None]:
        """Return the section with the suite's own ``samples_per_task`` and ``k`` where it says none, and the suite.

        Raises:
            UserError: there is no such suite, or its values are not possible.
        """
        if self.suite == HELDOUT:
            return self, None
        suite = load_suite(self.suite, self.suite_path)
        source_of(suite)
        theirs = {
            name: getattr(suite, name) for name in ("samples_per_task", "k") if name not in self.model_fields_set
        }
        given = {name: value for name, value in theirs.items() if value is not None}
        values = {**self.model_dump(exclude_unset=True), **given}
        try:
            return EvaluateConfig.model_validate(values), suite
        except ValidationError as error:
            raise UserError(f"suite {suite.name}: {told(error, EvaluateConfig, values)}") from None
