"""A local model through vLLM, in this process, for machines that have it: continuous batches on a GPU."""

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any

from pipeline.errors import UserError
from pipeline.records import Message
from pipeline.teachers import Reply
from pipeline.teachers.local import Config, Gathering


class VllmTeacher:
    """Answers with ``vllm.LLM``, in the prompts that training uses. The model is loaded with the first request.

    Raises:
        UserError: vllm is not installed.
    """

    def __init__(self, config: Config) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise UserError("teacher.engine: vllm is not installed here (pip install 'kernel-pipeline[vllm]')")
        self.config = config
        self.name = config.model
        self._model: Any = None
        self._gathering = Gathering(self.answer, config.batch_size)

    async def complete(self, messages: tuple[Message, ...], seed: int) -> Reply:
        """Answer one conversation in a batch with others that wait.

        Raises:
            UserError: the model can't be loaded.
        """
        return await self._gathering.complete(messages, seed)

    async def close(self) -> None:
        """Free the model."""
        await self._gathering.close()
        self._model = None

    def answer(self, conversations: Sequence[Sequence[Message]], seeds: Sequence[int]) -> list[Reply]:
        """Answer conversations, each with its own seed. Raises as ``complete`` does."""
        from pipeline.training.chat import opened, prompt_text

        config = self.config
        model, vllm = self._loaded(), importlib.import_module("vllm")
        tokenizer = model.get_tokenizer()
        prompts = [prompt_text(tokenizer, messages) for messages in conversations]
        # as tokens: of a text, vLLM would put a beginning-of-sequence token before the template's own
        tokens = [{"prompt_token_ids": tokenizer(p, add_special_tokens=False)["input_ids"]} for p in prompts]
        sampling = [
            vllm.SamplingParams(
                temperature=config.temperature,
                top_p=config.top_p,
                max_tokens=config.max_new_tokens,
                seed=seed,
                skip_special_tokens=False,  # think tags may be special
                logprobs=0 if config.logprobs else None,  # the sampled token's own, and no others
            )
            for seed in seeds
        ]
        outputs = model.generate(tokens, sampling, use_tqdm=False)
        return [
            Reply(
                content=opened(prompt) + output.outputs[0].text,
                reasoning=None,
                finish_reason=output.outputs[0].finish_reason,
                prompt_tokens=len(output.prompt_token_ids),
                completion_tokens=len(output.outputs[0].token_ids),
                sampling={"temperature": config.temperature, "top_p": config.top_p, "seed": seed},
                log_probability=output.outputs[0].cumulative_logprob if config.logprobs else None,
                scored_tokens=len(output.outputs[0].token_ids) if config.logprobs else None,
            )
            for prompt, output, seed in zip(prompts, outputs, seeds, strict=True)
        ]

    def _loaded(self) -> Any:
        if self._model is None:
            vllm = importlib.import_module("vllm")
            try:
                self._model = vllm.LLM(model=self.config.model, revision=self.config.revision)
            except (OSError, ValueError) as error:  # no such model, or one that vllm or this GPU can't run
                text = " ".join(str(error).split())[:300]
                raise UserError(f"teacher.model: {self.config.model}: {text}") from error
        return self._model
