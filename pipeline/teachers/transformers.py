"""A local model as a teacher: requests are gathered into batches for ``model.generate``.

Sampling draws from one random generator per request, seeded with the request's seed, so an answer does not depend on
which other requests share its batch, except where rounding (which does vary with the batch's shape) tips the scales
between two tokens. Equal batches give equal answers on one machine.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.records import Message
from pipeline.teachers import Reply
from pipeline.teachers.local import Config, Gathering

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class TransformersTeacher:
    """See the module. The model is loaded with the first request; ``answer`` is for one thread at a time."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.name = config.model
        self._loaded: tuple[PreTrainedModel, PreTrainedTokenizerBase] | None = None
        self._gathering = Gathering(self.answer, config.batch_size)

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer one conversation in a batch with others that wait.

        Raises:
            UserError: there is no such model.
        """
        return await self._gathering.complete(messages, seed)

    async def close(self) -> None:
        """Free the model."""
        await self._gathering.close()
        self._loaded = None

    def answer(self, conversations: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Reply]:
        """Answer conversations, ``batch_size`` at a time, each with its own seed; equal arguments give equal answers.

        Raises:
            UserError: there is no such model.
        """
        size = self.config.batch_size
        starts = range(0, len(conversations), size)
        return [reply for i in starts for reply in self._generate(conversations[i : i + size], seeds[i : i + size])]

    def _model(self) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
        if self._loaded is None:
            import torch

            from pipeline.training.models import load_model, load_tokenizer

            model = load_model(self.config.model, self.config.revision)
            device = "cuda" if torch.cuda.is_available() else "cpu"
            self._loaded = model.to(device).eval(), load_tokenizer(self.config.model, self.config.revision)  # type: ignore[arg-type]
        return self._loaded

    def _generate(self, conversations: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Reply]:
        import torch
        from transformers import LogitsProcessorList

        from pipeline.training.chat import opened, prompt_text

        model, tokenizer = self._model()
        prompts = [prompt_text(tokenizer, messages) for messages in conversations]
        batch = tokenizer(
            prompts, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt"
        ).to(model.device)
        stops = _stop_tokens(model, tokenizer)
        chosen: list[Any] | None = [] if self.config.logprobs else None
        with torch.inference_mode():
            output = model.generate(  # type: ignore[operator]
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                max_new_tokens=self.config.max_new_tokens,
                do_sample=False,  # the seeded sampling below makes the highest score the sampled token
                logits_processor=LogitsProcessorList([_seeded_sampling(self.config, seeds, model.device, chosen)]),
                eos_token_id=stops,
                pad_token_id=tokenizer.pad_token_id,
            )
        written = output[:, batch["input_ids"].shape[1] :].tolist()
        prompt_tokens = batch["attention_mask"].sum(dim=1).tolist()
        logs = torch.stack(chosen, dim=1).double().tolist() if chosen is not None else [None] * len(prompts)
        return [
            self._reply(tokenizer, opened(prompt), row, stops, count, seed, log)
            for prompt, row, count, seed, log in zip(prompts, written, prompt_tokens, seeds, logs, strict=True)
        ]

    def _reply(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        head: str,
        tokens: list[int],
        stops: list[int],
        prompt_tokens: int,
        seed: int,
        logs: list[float] | None,
    ) -> Reply:
        end = next((i for i, token in enumerate(tokens) if token in stops), None)
        kept = tokens[:end]
        count = len(kept) + (end is not None)
        return Reply(
            content=head + str(tokenizer.decode(kept, skip_special_tokens=False)),  # think tags may be special
            reasoning=None,
            finish_reason="length" if end is None else "stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=count,
            sampling={"temperature": self.config.temperature, "top_p": self.config.top_p, "seed": seed},
            log_probability=None if logs is None else math.fsum(logs[:count]),
            scored_tokens=None if logs is None else count,
        )


def _stop_tokens(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """Return the tokens that end an answer, by the model's and by the tokenizer's account."""
    ends = model.generation_config.eos_token_id if model.generation_config is not None else None
    named = ends if isinstance(ends, list) else [ends]
    return sorted({end for end in [*named, tokenizer.eos_token_id] if end is not None})


def _seeded_sampling(config: Config, seeds: Sequence[int], device: Any, chosen: list[Any] | None = None) -> Any:
    """Return a logits processor after which the highest score of each row is a token sampled with the row's own seed.

    ``chosen`` is given, step by step, the log-probabilities [rows] of those tokens by the model's own account.

    The Gumbel-max trick: the argmax of log-probabilities plus Gumbel noise, here minus the logarithm of exponential
    noise, is distributed as the probabilities are (Maddison et al., arXiv 1411.0030).
    """
    import torch
    from transformers import LogitsProcessor, TopPLogitsWarper

    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
    nucleus = TopPLogitsWarper(config.top_p) if config.top_p < 1 else None

    class SeededSampling(LogitsProcessor):
        """Adds each row's noise to its scores."""

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            sampled = self._sampled(input_ids, scores)
            if chosen is not None:
                tokens = sampled.argmax(dim=-1, keepdim=True)
                chosen.append(scores.float().log_softmax(dim=-1).gather(1, tokens).squeeze(1))
            return sampled

        def _sampled(self, input_ids: Any, scores: Any) -> Any:
            if config.temperature == 0:
                return scores
            scores = scores.float() / config.temperature
            if nucleus is not None:
                scores = nucleus(input_ids, scores)
            noise = torch.empty_like(scores)
            for row, generator in zip(noise, generators, strict=True):
                row.exponential_(generator=generator)
            return scores - noise.clamp_min(torch.finfo(noise.dtype).tiny).log()

    return SeededSampling()
