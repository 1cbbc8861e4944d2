"""PIR: steps, their classes and what is pruned, with a tiny model for the perplexities."""

import math
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.curation.pir import TOO_LONG, Config, Pruner, droppable, lowest
from pipeline.curation.steps import Step, steps
from pipeline.errors import UserError
from tests.training.examples import sample, tiny_model

TRACE = (
    "Each thread takes one element. The index is global. The bound is n. Blocks hold 256 threads. "
    "Now the launch. The grid rounds up. Let me check the bound: i < n holds. It reads nothing beyond. It is fine. "
    "Let me double-check the grid. For 37 rows it is one block. Good. "
    "Alternatively, one warp a row would do. It needs shuffles. That is slower here. "
    "Let me verify the types. All are float. Good. "
    "Wait, I made a mistake: the grid needs n, not rows. It is (n + 255) / 256. So the launch is right. "
    "Let me check the tail again. The last block is partial. The bound covers it.\n\n"
    "```cuda\nk<<<grid, 256>>>(x); // Wait. Let me check.\n```\nThat is the kernel."
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_model(tmp_path_factory.mktemp("model")))


def traced(trace):
    made = sample("relu")
    (answer,) = made.completion
    return made.model_copy(update={"completion": (answer.model_copy(update={"reasoning": trace}),)})


def test_steps_are_three_to_four_sentences_and_markers_tell_what_for():
    parts = steps(TRACE)
    assert [part.kind for part in parts] == [
        "progressive", "verification", "verification", "multi_method", "verification", "error_correction",
        "verification",
    ]  # fmt: skip
    assert parts[0].text.count(".") == 4
    assert "".join(part.text for part in parts) == TRACE
    assert "```cuda" in parts[6].text
    assert "one warp a row" in parts[3].text


@given(st.text(alphabet=st.sampled_from("ab .!?\n`"), max_size=80))
def test_steps_are_the_trace_again(trace):
    parts = steps(trace)
    assert "".join(part.text for part in parts) == trace
    assert all(part.text for part in parts)


def test_each_class_loses_its_lowest_share_and_progressive_steps_nothing():
    kinds = ["progressive"] * 5 + ["verification"] * 4 + ["multi_method"] * 3 + ["error_correction"] * 2
    parts = [Step(str(i), cast("Any", kind)) for i, kind in enumerate(kinds)]
    config = Config(model="m", verification=0.5, multi_method=0.3, error_correction=1.0)
    quotas = droppable(parts, config)
    assert quotas == {"verification": 2, "error_correction": 2}
    importances = {5: 0.3, 6: -1.0, 7: 0.1, 8: 0.1, 12: 0.0, 13: 5.0}
    assert lowest(parts, importances, quotas) == {6, 7, 12, 13}  # 7 and 8 are equal: the earlier goes
    assert droppable(parts, Config(model="m", verification=0.24, error_correction=0.49)) == {}


def test_importance_is_the_change_in_the_answers_perplexity(model):
    import torch

    pruner = Pruner(Config(model=model))
    made, parts = traced(TRACE), steps(TRACE)
    network, tokenizer = pruner._model()
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": made.prompt[0].content}], tokenize=False, add_generation_prompt=True)  # fmt: skip
    for kept in (parts, parts[:1] + parts[2:]):
        trace = "".join(part.text for part in kept).strip()
        before = tokenizer(f"{prompt}<think>\n{trace}\n</think>\n\n", add_special_tokens=False)["input_ids"]
        answer = tokenizer(made.completion[0].content, add_special_tokens=False)["input_ids"]
        logits = network(input_ids=torch.tensor([before + answer])).logits[0].log_softmax(-1)
        losses = [-logits[len(before) + i - 1, token].item() for i, token in enumerate(answer)]
        assert pruner.log_perplexity(made, kept) == pytest.approx(sum(losses) / len(losses), abs=1e-4)
    whole, without = pruner.log_perplexity(made, parts), pruner.log_perplexity(made, parts[:1] + parts[2:])
    importances = pruner.importances(made, parts, {"verification": 1})
    assert importances.keys() == {1, 2, 4, 6}
    assert importances[1] == pytest.approx(math.log(math.exp(without) / math.exp(whole)), abs=1e-6)


def test_a_pruned_sample_says_so_and_its_kernel_is_untouched(model):
    made = traced(TRACE)
    pruner = Pruner(Config(model=model, verification=0.5, multi_method=1.0))
    pruned = pruner.prune(made)
    parts = steps(TRACE)
    importances = pruner.importances(made, parts, {"verification": 2, "multi_method": 1})
    dropped = {3, *sorted((1, 2, 4, 6), key=lambda i: importances[i])[:2]}
    (before,), (after,) = made.completion, pruned.completion
    assert after.reasoning == "".join(p.text for i, p in enumerate(parts) if i not in dropped).strip()
    assert after.content == before.content
    assert pruned.prompt == made.prompt
    assert pruned.edits == ("pir:multi_method:1 of 1 steps", "pir:verification:2 of 4 steps")
    assert pruned.reasoning_tokens - pruned.completion_tokens == made.reasoning_tokens - made.completion_tokens
    assert pruned.id != made.id
    assert pruner.prune(made) == pruned


def test_what_can_not_be_scored_is_left_whole(model):
    long = traced(TRACE * 40)
    kept = Pruner(Config(model=model)).prune(long)
    assert kept.completion == long.completion
    assert kept.edits == (TOO_LONG,)
    plain = traced("Each thread takes one element.")
    assert Pruner(Config(model="nowhere")).prune(plain) == plain
    with pytest.raises(UserError, match="nowhere"):
        Pruner(Config(model="nowhere")).prune(long)
