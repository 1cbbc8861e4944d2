"""The vLLM engine against a stand-in of the package, which wants a GPU: what it is asked, and what is made of it."""

import asyncio
import importlib.machinery
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.agent.prompting import translate
from pipeline.errors import UserError
from pipeline.teachers.local import Config
from pipeline.teachers.vllm_engine import VllmTeacher
from pipeline.training.chat import prompt_text
from pipeline.training.models import load_tokenizer
from tests.training.examples import OPERATORS, task, tiny_model

PROMPTS = [translate(task(operator)) for operator in OPERATORS[:3]]


class StandIn:
    """``vllm.LLM``: writes its sampling's seed."""

    def __init__(self, model: str, revision: str | None) -> None:
        if not Path(model).is_dir():
            raise OSError(f"{model} is not\na folder")
        self.tokenizer = load_tokenizer(model)
        self.asked: list[Any] = []

    def get_tokenizer(self) -> Any:
        return self.tokenizer

    def generate(self, prompts: list[dict[str, list[int]]], sampling: list[Any], use_tqdm: bool) -> list[Any]:
        self.asked += zip(prompts, sampling, strict=True)
        return [
            SimpleNamespace(
                prompt_token_ids=prompt["prompt_token_ids"],
                outputs=[
                    SimpleNamespace(
                        text=f"{wanted.seed}</think>",
                        token_ids=[1] * 4,
                        finish_reason="stop",
                        cumulative_logprob=-2.5,
                    )
                ],
            )
            for prompt, wanted in zip(prompts, sampling, strict=True)
        ]


@pytest.fixture(autouse=True)
def vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("vllm")
    module.__spec__ = importlib.machinery.ModuleSpec("vllm", None)
    module.LLM, module.SamplingParams = StandIn, SimpleNamespace
    monkeypatch.setitem(sys.modules, "vllm", module)


def config(model: Path, **values: object) -> Config:
    settings = {"kind": "local", "engine": "vllm", "model": str(model), "temperature": 0.7, "max_new_tokens": 9}
    return Config.model_validate(settings | values)


@pytest.mark.parametrize("opens", [False, True])
def test_each_conversation_is_asked_in_training_s_tokens_with_its_own_seed(tmp_path: Path, opens: bool):
    model = tiny_model(tmp_path)
    teacher = VllmTeacher(config(model, logprobs=True))
    llm = teacher._loaded()
    if opens:  # some models' templates open the think block
        llm.tokenizer.chat_template += "{% if add_generation_prompt %}<think>\n{% endif %}"

    async def main() -> list[Any]:
        return await asyncio.gather(*(teacher.complete(p, seed) for p, seed in zip(PROMPTS, (5, 6, 7), strict=True)))

    replies = asyncio.run(main())
    texts = [prompt_text(llm.tokenizer, prompt) for prompt in PROMPTS]
    ids = [llm.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    assert [asked["prompt_token_ids"] for asked, _ in llm.asked] == ids
    assert [(s.seed, s.temperature, s.max_tokens, s.skip_special_tokens) for _, s in llm.asked] == [
        (seed, 0.7, 9, False) for seed in (5, 6, 7)
    ]
    head = "<think>\n" if opens else ""
    assert [reply.content for reply in replies] == [f"{head}{seed}</think>" for seed in (5, 6, 7)]
    assert [(r.prompt_tokens, r.completion_tokens, r.log_probability) for r in replies] == [
        (len(i), 4, -2.5) for i in ids
    ]


def test_a_model_that_is_not_there_is_one_line():
    with pytest.raises(UserError, match=r"^teacher\.model: nowhere/at-all: nowhere/at-all is not a folder$"):
        asyncio.run(VllmTeacher(config(Path("nowhere/at-all"))).complete(PROMPTS[0], 1))
