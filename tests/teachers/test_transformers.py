"""A local model as a teacher: seeds, stops, think tags and gathering, on a tiny model made here."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.agent.prompting import translate
from pipeline.errors import UserError
from pipeline.records import Message
from pipeline.teachers.transformers import Config, TransformersTeacher, _seeded_sampling
from pipeline.training.chat import prompt_text
from pipeline.training.models import load_model, load_tokenizer
from tests.training.examples import OPERATORS, task, tiny_model

PROMPTS = [translate(task(operator)) for operator in OPERATORS[:4]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model"))


def teacher(model: Path, **values: object) -> TransformersTeacher:
    settings = {"kind": "transformers", "model": str(model), "temperature": 1.0, "top_p": 1.0, "max_new_tokens": 24}
    return TransformersTeacher(Config.model_validate(settings | values))


def test_an_answer_depends_on_its_own_seed_and_not_on_its_company(model: Path):
    many = teacher(model).answer(PROMPTS, [11, 12, 13, 14])
    alone = [
        teacher(model).answer([prompt], [seed])[0] for prompt, seed in zip(PROMPTS, [11, 12, 13, 14], strict=True)
    ]
    assert many == alone
    same_prompt = teacher(model).answer([PROMPTS[0]] * 3, [11, 11, 12])
    assert same_prompt[0] == same_prompt[1] == many[0]
    assert same_prompt[2].content != same_prompt[0].content


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_the_probability_of_an_answer_is_that_of_a_forward_pass(model: Path, temperature: float):
    settings = {"temperature": temperature, "top_p": 0.9, "max_new_tokens": 30}
    replies = teacher(model, **settings, logprobs=True).answer(PROMPTS, [5, 6, 7, 8])
    loaded, tokenizer = load_model(str(model)), load_tokenizer(str(model))
    for prompt, reply in zip(PROMPTS, replies, strict=True):
        asked = tokenizer(prompt_text(tokenizer, prompt), add_special_tokens=False)["input_ids"]
        # What a random model writes need not be the text's own tokens, so those are generated again, one by one.
        written = teacher_tokens(model, prompt, reply.sampling["seed"], settings)
        assert reply.scored_tokens == reply.completion_tokens == len(written)
        with torch.inference_mode():
            logits = loaded(torch.tensor([[*asked, *written]])).logits[0].double()
        logs = logits.log_softmax(-1)[len(asked) - 1 : -1]
        expected = logs.gather(1, torch.tensor(written)[:, None]).sum().item()
        assert reply.log_probability == pytest.approx(expected, rel=1e-4)
    assert len({reply.log_probability for reply in replies}) == len(replies)
    (silent,) = teacher(model, **settings).answer(PROMPTS[:1], [5])
    assert (silent.log_probability, silent.scored_tokens) == (None, None)
    assert silent.content == replies[0].content


def teacher_tokens(model: Path, prompt: tuple[Message, ...], seed: Any, settings: dict[str, Any]) -> list[int]:
    local = teacher(model, **settings)
    kept: list[list[int]] = []
    reply = local._reply
    local._reply = lambda *args: kept.append(args[2]) or reply(*args)  # type: ignore[method-assign]
    (again,) = local.answer([prompt], [seed])
    return kept[0][: again.completion_tokens]


def test_requests_at_the_same_time_share_a_batch(model: Path, monkeypatch: pytest.MonkeyPatch):
    local = teacher(model, batch_size=3)
    sizes = []
    generate = local._generate
    monkeypatch.setattr(
        local, "_generate", lambda prompts, seeds: sizes.append(len(prompts)) or generate(prompts, seeds)
    )

    async def ask() -> list[str]:
        replies = await asyncio.gather(*(local.complete(p, seed) for seed, p in enumerate(PROMPTS)))
        await local.close()
        return [reply.content for reply in replies]

    contents = asyncio.run(ask())
    assert sizes == [3, 1]
    assert contents == [reply.content for reply in teacher(model).answer(PROMPTS, [0, 1, 2, 3])]


def test_sampling_follows_the_probabilities_and_the_nucleus():
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    scores = probabilities.log().repeat(20_000, 1)
    drawn = _seeded_sampling(config(temperature=1.0, top_p=1.0), range(20_000), "cpu")(None, scores).argmax(dim=1)
    shares = torch.bincount(drawn, minlength=4) / 20_000
    assert torch.allclose(shares, probabilities, atol=0.015)
    drawn = _seeded_sampling(config(temperature=0.5, top_p=0.9), range(20_000), "cpu")(None, scores).argmax(dim=1)
    shares = torch.bincount(drawn, minlength=4) / 20_000  # squared: 0.25 and 0.09, which are 93% of the whole
    assert torch.allclose(shares, torch.tensor([0.25 / 0.34, 0.09 / 0.34, 0, 0]), atol=0.015)
    greedy = _seeded_sampling(config(temperature=0.0), [1], "cpu")(None, scores[:1])
    assert torch.equal(greedy, scores[:1])


def config(**values: float) -> Config:
    return Config.model_validate({"kind": "transformers", "model": "unused", **values})


def test_an_answer_keeps_its_think_tags_and_ends_at_the_end_token(model: Path, monkeypatch: pytest.MonkeyPatch):
    local = teacher(model, temperature=0.0, max_new_tokens=50)
    loaded, tokenizer = load_model(str(model)), load_tokenizer(str(model))
    text = "<think>\nwhy\n</think>\n\nso"
    script = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
    forward, tokens = loaded.forward, itertools.cycle(script)

    def scripted(*args: object, **kwargs: object) -> object:
        output = forward(*args, **kwargs)
        output.logits[:] = 0
        output.logits[:, -1, next(tokens)] = 9
        return output

    monkeypatch.setattr(loaded, "forward", scripted)
    local._loaded = (loaded, tokenizer)
    (reply,) = local.answer([PROMPTS[0]], [0])
    assert (reply.content, reply.finish_reason, reply.completion_tokens) == (text, "stop", len(script))
    assert reply.prompt_tokens == len(tokenizer(prompt_text(tokenizer, PROMPTS[0]))["input_ids"])
    local.config = local.config.model_copy(update={"max_new_tokens": 4})
    (cut,) = local.answer([PROMPTS[0]], [0])
    assert (cut.finish_reason, cut.completion_tokens) == ("length", 4)
    assert text.startswith(cut.content)


def test_a_missing_model_is_the_users_fault_for_everyone_who_waits():
    local = TransformersTeacher(config().model_copy(update={"model": "nowhere/to/be/found"}))

    async def ask() -> list[object]:
        waiting = (local.complete((Message(role="user", content="x"),), seed) for seed in range(3))
        return await asyncio.gather(*waiting, return_exceptions=True)

    failures = asyncio.run(ask())
    assert [type(failure) for failure in failures] == [UserError] * 3
    assert "nowhere/to/be/found" in str(failures[0])
