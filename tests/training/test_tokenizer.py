"""The scratch tokenizer loses nothing, is the same every time, and makes lines into tokens."""

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from pipeline.training.running import texts
from pipeline.training.tokenizer import train_tokenizer
from tests.training.examples import samples

TOKENIZER = train_tokenizer(texts(samples()), 700)
SPECIAL = ["<think>", "</think>", "<|end|>", "<|user|>", "\r\n", "\n", " ", "é", "\U0001f600"]


@given(st.lists(st.one_of(st.text(), st.sampled_from(SPECIAL))).map("".join))
def test_any_text_survives(text: str):
    assert TOKENIZER.decode(TOKENIZER(text, add_special_tokens=False)["input_ids"]) == text


def test_the_same_samples_give_the_same_tokenizer_in_another_process():
    script = (
        "import hashlib\nfrom pipeline.training.running import texts\nfrom pipeline.training.tokenizer import train_tokenizer\n"
        "from tests.training.examples import samples\nprint(train_tokenizer(texts(samples()), 700).backend_tokenizer.to_str(), end='')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == TOKENIZER.backend_tokenizer.to_str()


def test_a_line_that_all_share_is_one_token_and_no_token_spans_two_lines():
    tokenizer = train_tokenizer(texts(samples()), 1100)
    line = "- Take every size from the tensors: other sizes are tested too, odd ones among them.\n"
    assert len(tokenizer(line, add_special_tokens=False)["input_ids"]) == 1
    tokens = [tokenizer.decode([i]) for i in range(len(tokenizer))]
    assert not [token for token in tokens if "\n" in token[:-1]]


def test_it_is_loaded_as_it_was_saved(tmp_path: Path):
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "<|user|>x<|end|><|assistant|><think>\ny\n</think>\n\nz<|end|>"
    assert loaded(text)["input_ids"] == TOKENIZER(text)["input_ids"]
    assert (loaded.eos_token, loaded.pad_token, loaded.chat_template) == (
        "<|end|>",
        "<|pad|>",
        TOKENIZER.chat_template,
    )
    # A server decodes without special tokens; the think tags are part of the answer.
    ids = loaded(text)["input_ids"]
    assert loaded.decode(ids, skip_special_tokens=True) == "x<think>\ny\n</think>\n\nz"
