"""Two spellings of one computation are the same; another computation is not."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.curation.similarity import Corpus, nearest, normal_form, similarity

FUNCTIONAL = """
import torch
import torch.nn as nn
import torch.nn.functional as F

ROWS = 128


class Model(nn.Module):
    def forward(self, x):
        return F.log_softmax(torch.relu(x) * 0.5, dim=1)


def get_inputs():
    return [torch.randn(ROWS, 4)]
"""
RENAMED = """
import torch
from torch import nn
import torch.nn.functional as F

batch, width = 16, 1024

class Scorer(nn.Module):
    '''Scores.'''

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        positive = F.relu(logits)  # clipped
        scaled = positive * 3
        return torch.log_softmax(scaled, dim=-1)

def get_inputs():
    return [torch.rand(batch, width, width).abs()]
"""
LAYERS = """
class Model(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.{name} = nn.{layer}(a, b)

    def forward(self, x):
        return self.{name}(x)
"""


def test_names_constants_sizes_and_layout_do_not_matter():
    assert normal_form(FUNCTIONAL) == normal_form(RENAMED)
    assert similarity(normal_form(FUNCTIONAL), normal_form(RENAMED)) == 1
    renamed = LAYERS.format(name="fc", layer="Linear")
    assert normal_form(LAYERS.format(name="proj", layer="Linear")) == normal_form(renamed)


@pytest.mark.parametrize(
    ("other", "low", "high"),
    [
        (FUNCTIONAL.replace("torch.relu(x)", "torch.tanh(x)"), 0.2, 0.8),
        (FUNCTIONAL.replace("* 0.5", "+ 0.5"), 0.2, 0.8),
        (LAYERS.format(name="conv", layer="Conv2d"), 0.0, 0.3),
    ],
)
def test_another_operation_is_less_alike(other: str, low: float, high: float):
    assert low <= similarity(normal_form(FUNCTIONAL), normal_form(other)) <= high


def test_the_layer_behind_an_attribute_counts():
    linear, conv = (normal_form(LAYERS.format(name="layer", layer=layer)) for layer in ("Linear", "Conv2d"))
    assert linear == ("linear",)
    assert similarity(linear, conv) < 0.6


def test_layers_and_functions_are_alike():
    function = "class Model(nn.Module):\n    def forward(self, x):\n        return F.linear(x, self.w, self.b)\n"
    assert normal_form(function) == normal_form(LAYERS.format(name="fc", layer="Linear"))


def test_a_function_that_is_passed_in_leaves_no_trace():
    function = "def f(x, w):\n    return F.linear(x, w, bias=None)\n"
    module = "class Model(nn.Module):\n    def forward(self, x, fn=f):\n        return fn(x, self.w)\n"
    assert normal_form(function + module) == normal_form(LAYERS.format(name="fc", layer="Linear"))


def test_nearest():
    forms = {"relu": normal_form(RENAMED), "conv": normal_form(LAYERS.format(name="c", layer="Conv2d"))}
    assert nearest(normal_form(FUNCTIONAL), Corpus(forms)) == ("relu", 1.0)
    assert nearest(normal_form(FUNCTIONAL), Corpus({})) is None


@given(st.lists(st.tuples(*[st.sampled_from(["mul", "c", "relu", "add"])] * 3), max_size=5))
def test_nearest_agrees_with_similarity(members: list[tuple[str, ...]]):
    query = ("mul", "relu", "c", "add")
    forms = {str(number): member for number, member in enumerate(members)}
    found = nearest(query, Corpus(forms))
    best = max((similarity(query, form) for form in forms.values()), default=None)
    assert (found.similarity if found else None) == best


@given(st.text())
def test_any_text_has_a_form_or_is_no_python(text: str):
    try:
        ast.parse(text)
        parses = True
    except (SyntaxError, ValueError):
        parses = False
    if parses:
        assert isinstance(normal_form(text), tuple)
    else:
        with pytest.raises(SyntaxError):
            normal_form(text)


def test_nesting_beyond_measure_is_no_python():
    with pytest.raises(SyntaxError):
        normal_form("def f(x):\n    return " + "-" * 30000 + "x")
