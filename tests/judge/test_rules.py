"""Each rule fires on what it is for, and not on its near miss."""

import pytest

from pipeline.judge.rules import findings

HONEST = '''
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """__global__ void k(float* y) { eval(); }"""
ext = load_inline(name="k", cpp_sources="", cuda_sources=source, functions=["k"], verbose=False)

class ModelNew(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n, self.scale = n, nn.Parameter(torch.ones(n))
        self.__name__ = "k"

    def forward(self, x):
        torch_like = [0]
        torch_like[0] = 1
        return ext.k(x.contiguous())
'''

CASES = [
    ("import", "import os", "import math"),
    ("import", "from subprocess import run", "from typing import Any"),
    ("import", "import torch._dynamo", "import torch.nn.functional as F"),
    ("import", "import torchvision", "from torch import nn"),
    ("import", "from . import x", "from torch.nn import Module"),
    ("dynamic_code", "exec('x = 1')", "ext.exec('x')"),
    ("dynamic_code", "f = eval", "evaluate = 1"),
    ("dynamic_code", "open('/etc/passwd')", "x.open()"),
    ("fallback", "try:\n    pass\nexcept ValueError:\n    pass", "if x:\n    pass"),
    ("introspection", "x = forward.__globals__", "x = forward.__name__"),
    ("introspection", "().__class__.__subclasses__()", "super().__init__()"),
    ("introspection", "g.gi_frame", "g.frame"),
    ("torch_compile", "m = torch.compile(m)", "m = self.compile_options"),
    ("torch_compile", "from torch import compile", "from torch.nn import Linear"),
    ("import", "from torch.jit import script", "from torch import sigmoid"),
    ("stream", "s = torch.cuda.Stream()", "s = torch.cuda.current_stream()"),
    ("patches_library", "torch.allclose = f", "self.allclose = f"),
    ("patches_library", "torch.nn.functional.relu, x = f, 1", "relu, x = f, 1"),
    ("patches_library", "torch.ops['x'] = f", "ops['x'] = f"),
    ("patches_library", "T = torch\nT.allclose = f", "T = self\nT.allclose = f"),
    ("patches_library", "import math as m\nm.exp = f", "m = [0]\nm[0] = f"),
    ("torch_compile", "import torch as t\nt.compile(m)", "t = self\nt.compile(m)"),
    ("private_api", "torch._C._DisableTorchDispatch()", "self._c.disable()"),
    ("import", "from torch.utils import _python_dispatch", "from torch.utils import cpp_extension"),
    ("import", "import torch._C as native", "import torch.nn as native"),
    ("private_api", "getattr(torch, '_C')", "getattr(self, '_c')"),
    ("dynamic_code", "getattr(torch, '_' + 'C')", "getattr(ext, 'k' + '1')"),
    ("dynamic_code", "__builtins__['exec']('x = 1')", "builtins = 1"),
    ("introspection", "getattr(f, '__globals__')", "getattr(f, '__name__')"),
    ("host_computes", "y = x.numpy()", "y = x.numel()"),
    ("host_computes", "y = torch.from_numpy(y)", "y = x.item()"),
    ("inherits_reference", "class ModelNew(Model):\n    pass", "class ModelNew(nn.Module):\n    pass"),
]


def test_an_honest_candidate_raises_no_finding():
    assert findings(HONEST) == []


@pytest.mark.parametrize(("rule", "guilty", "near_miss"), CASES)
def test_rule(rule: str, guilty: str, near_miss: str):
    assert rule in {f.rule for f in findings(HONEST + guilty)}
    assert findings(HONEST + near_miss) == []


@pytest.mark.parametrize("text", ["def f(:", "\0", "(" * 5000, "x = " + "-" * 20000 + "1"])
def test_what_is_not_python_is_a_syntax_error(text: str):
    with pytest.raises(SyntaxError):
        findings(text)
