"""Prunes traces by perplexity-based importance (PIR; LIMOPro, arXiv 2505.19187).

PIR(step) = log( PPL(answer | trace without the step) / PPL(answer | trace) ), over the answer's tokens: how much
harder the answer becomes to predict when the step is missing. Of each class of functional steps the lowest share is
dropped; progressive steps, which carry the derivation, are never touched, and neither is the answer with its kernel.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from pipeline.curation.features import count_tokens
from pipeline.curation.steps import Step, steps
from pipeline.errors import UserError, first_line
from pipeline.records import Sample
from pipeline.section import Section
from pipeline.training.chat import prompt_text

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOO_LONG = "pir_skipped:longer_than_context"


class Config(Section):
    """``model``: any causal language model, on the Hub or in a folder, that gives the perplexities.

    The other values are the shares of each class to drop, rounded down: of three verification steps at 0.25, none.
    """

    kind: Literal["pir"] = "pir"
    model: str
    revision: str | None = None
    verification: float = Field(default=0.25, ge=0, le=1)
    multi_method: float = Field(default=0.25, ge=0, le=1)
    error_correction: float = Field(default=0.25, ge=0, le=1)

    def share(self, kind: str) -> float:
        """Return the share of a class of steps that is dropped."""
        return 0.0 if kind == "progressive" else float(getattr(self, kind))


class Pruner:
    """Prunes samples with one model, which is loaded with the first sample."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._loaded: tuple[PreTrainedModel, PreTrainedTokenizerBase] | None = None

    def prune(self, sample: Sample) -> Sample:
        """Return the sample with its trace pruned; its edits say how many steps of each class went.

        A trace that does not fit into the model's context is left whole, and its edits say so.

        Raises:
            UserError: there is no such model.
        """
        (answer,) = sample.completion
        parts = steps(answer.reasoning or "")
        quotas = droppable(parts, self.config)
        if not quotas:
            return sample
        if not self._fits(sample, parts):
            return sample.model_copy(update={"edits": (*sample.edits, TOO_LONG)})
        importances = self.importances(sample, parts, quotas)
        dropped = lowest(parts, importances, quotas)
        reasoning = "".join(part.text for i, part in enumerate(parts) if i not in dropped).strip()
        edits = [
            f"pir:{kind}:{n} of {sum(p.kind == kind for p in parts)} steps" for kind, n in sorted(quotas.items())
        ]
        tokens = count_tokens(reasoning)
        return sample.model_copy(
            update={
                "completion": (answer.model_copy(update={"reasoning": reasoning}),),
                "reasoning_tokens": tokens,
                "completion_tokens": sample.completion_tokens - sample.reasoning_tokens + tokens,
                "edits": (*sample.edits, *edits),
            }
        )

    def importances(self, sample: Sample, parts: Sequence[Step], kinds: "dict[str, int]") -> dict[int, float]:
        """Return PIR by position, for the steps of the given classes."""
        whole = self.log_perplexity(sample, parts)
        return {
            i: self.log_perplexity(sample, [*parts[:i], *parts[i + 1 :]]) - whole
            for i, part in enumerate(parts)
            if part.kind in kinds
        }

    def log_perplexity(self, sample: Sample, parts: Sequence[Step]) -> float:
        """Return the mean negative log-likelihood of the answer's tokens, in nats, after prompt and steps."""
        import torch

        model, _ = self._model()
        before, answer = self._tokens(sample, parts)
        ids = torch.tensor([before + answer], device=model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids, logits_to_keep=len(answer) + 1).logits[0, :-1]
        return float(torch.nn.functional.cross_entropy(logits.float(), ids[0, len(before) :]))

    def _fits(self, sample: Sample, parts: Sequence[Step]) -> bool:
        model, _ = self._model()
        before, answer = self._tokens(sample, parts)
        limit = getattr(model.config, "max_position_embeddings", None)
        return limit is None or len(before) + len(answer) <= limit

    def _tokens(self, sample: Sample, parts: Sequence[Step]) -> tuple[list[int], list[int]]:
        """Return the tokens before the answer and the answer's, which are the same whatever the trace."""
        _, tokenizer = self._model()
        if tokenizer.chat_template:
            prompt = prompt_text(tokenizer, sample.prompt)
        else:
            prompt = "\n\n".join(message.content for message in sample.prompt) + "\n\n"
        trace = "".join(part.text for part in parts).strip()
        opening = "" if prompt.rstrip().endswith("<think>") else "<think>\n"
        before = tokenizer(f"{prompt}{opening}{trace}\n</think>\n\n", add_special_tokens=False)["input_ids"]
        answer = tokenizer(sample.completion[0].content, add_special_tokens=False)["input_ids"]
        return before, answer

    def _model(self) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
        if self._loaded is None:
            import torch
            from transformers import AutoTokenizer

            from pipeline.training.models import load_model

            name, revision = self.config.model, self.config.revision
            device = "cuda" if torch.cuda.is_available() else "cpu"
            model = load_model(name, revision).to(device).eval()  # type: ignore[arg-type]
            try:
                self._loaded = model, AutoTokenizer.from_pretrained(name, revision=revision)
            except (OSError, ValueError) as error:
                raise UserError(f"curate.prune.model {name}: {first_line(error)}") from error
        return self._loaded


def droppable(parts: Sequence[Step], config: Config) -> dict[str, int]:
    """Return how many steps of each class are dropped, for the classes that lose any."""
    counts: defaultdict[str, int] = defaultdict(int)
    for part in parts:
        counts[part.kind] += 1
    quotas = {kind: math.floor(config.share(kind) * n + 1e-9) for kind, n in counts.items()}
    return {kind: n for kind, n in quotas.items() if n}


def lowest(parts: Sequence[Step], importances: dict[int, float], quotas: dict[str, int]) -> set[int]:
    """Return the positions of the steps of lowest importance, so many of each class; of equal ones the earlier."""
    dropped: set[int] = set()
    for kind, n in quotas.items():
        mine = [i for i in importances if parts[i].kind == kind]
        dropped.update(sorted(mine, key=lambda i: (importances[i], i))[:n])
    return dropped
