"""Honest kernels compute what torch computes, whatever the order of their threads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from pipeline.judge.operators import OperatorLog
from pipeline.judge.simt import binding
from pipeline.judge.simt.binding import Extension
from pipeline.judge.simt.build import ExtensionSource
from pipeline.judge.simt.errors import SimtFault
from tests.judge.simt import (
    sources,
    sources_16_bit,
    sources_c10,
    sources_collectives,
    sources_device,
    sources_torch,
)
from tests.judge.simt.example import inline
from tests.judge.simt.sources import MATMUL, MODULE

FILES = (sources, sources_16_bit, sources_c10, sources_collectives, sources_device, sources_torch)
EXAMPLES = {name: example for file in FILES for name, example in file.EXAMPLES.items()}
Compiled = Callable[[ExtensionSource], Extension]


def guarded(values: tuple[Any, ...]) -> list[Any]:
    return [binding.guard(v) if isinstance(v, torch.Tensor) else v for v in values]


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, compiled: Compiled):
    example = EXAMPLES[name]
    function = getattr(compiled(example.source), example.function)
    torch.manual_seed(0)
    arguments = guarded(example.arguments())
    binding.clear_faults()
    binding.reset_launches()
    for order in ("forward", "reverse", "random"):
        binding.set_order(order, seed=7)
        torch.testing.assert_close(function(*arguments), example.expected(*arguments))
    binding.check_guards()
    assert binding.faults() == []
    assert binding.launch_count() == len(binding.launches()) >= 3


def test_arguments_are_checked_like_pybind_does(compiled: Compiled):
    apply = compiled(ExtensionSource("", MODULE, ())).apply
    x = torch.randn(2, 30)
    assert torch.equal(apply(x)[0], x)
    assert apply(x, bias=x, k=2)[1] == 60
    for args, kwargs in (((), {}), ((3,), {}), ((x, 3), {}), ((x,), {"unknown": 1}), ((x, None, "plain", "1"), {})):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            apply(*args, **kwargs)
    with pytest.raises(RuntimeError, match="expected scalar type Float but found Double"):
        apply(x.double())


@pytest.mark.parametrize(
    ("threads", "shared_bytes", "message"),
    [(1025, 16, "CUDA error: invalid configuration argument"), (32, 50_000, "CUDA error: invalid argument")],
)
def test_a_launch_over_the_limits_raises_where_it_is_checked(
    threads: int, shared_bytes: int, message: str, compiled: Compiled
):
    declaration = "torch::Tensor f(torch::Tensor x, int64_t threads, int64_t shared_bytes)"
    function = compiled(inline(sources_device.LIMITS, declaration)).f
    x = torch.zeros(32)
    with pytest.raises(RuntimeError, match=message):
        function(x, threads, shared_bytes)
    assert torch.equal(function(x, 32, 16), x + 1)


@pytest.mark.parametrize("missing", ["cg::wait(block)", "__pipeline_wait_prior(1)", "__pipeline_commit()"])
def test_an_asynchronous_copy_that_nobody_waits_for_has_not_been_made(missing: str, compiled: Compiled):
    example = sources_c10.EXAMPLES["asynchronous copies"]
    assert missing in example.source.cuda
    wrong = replace(example.source, cuda=example.source.cuda.replace(missing, "block.sync()"))
    (x,) = guarded(example.arguments())
    assert not torch.equal(compiled(wrong).f(x), example.expected(x))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("y + i", "not shared"), ("reinterpret_cast<char*>(&mine[1][i]) + 2", "multiple of its size")],
)
def test_an_asynchronous_copy_goes_to_aligned_shared_memory(wrong: str, message: str, compiled: Compiled):
    example = sources_c10.EXAMPLES["asynchronous copies"]
    source = replace(example.source, cuda=example.source.cuda.replace("&mine[step % 2][i]", wrong))
    with pytest.raises(SimtFault, match=message):
        compiled(source).f(*guarded(example.arguments()))
    binding.clear_faults()


def test_what_torch_computes_for_c_plus_plus_is_seen(compiled: Compiled):
    example = sources_torch.EXAMPLES["arithmetic on tensors"]
    function = getattr(compiled(example.source), example.function)
    with OperatorLog() as log:
        function(*example.arguments())
    assert {"mm", "rsqrt", "relu", "mean", "div_"} <= log.computing
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        function(torch.ones(5, 12), torch.ones(4, 3), 0.0)


def test_a_failed_check_raises_its_message(compiled: Compiled):
    example = EXAMPLES["grid stride"]
    with pytest.raises(RuntimeError, match="x must be float32, not Double"):
        compiled(example.source).gelu_cuda(torch.zeros(3).double())


def test_results_are_memory_of_their_own_or_the_argument_itself(compiled: Compiled):
    cuda = """
    torch::Tensor same(torch::Tensor x) { return x; }
    torch::Tensor view(torch::Tensor x) { return x.transpose(0, 1)[1]; }
    torch::Tensor copy(torch::Tensor x) { return x.t().contiguous(); }
    void fill(torch::Tensor x) { x.fill_(3.5); }
    """
    names = ("same", "view", "copy", "fill")
    declarations = "\n".join(line for line in cuda.split("\n")).replace("{", ";//")
    extension = compiled(ExtensionSource(declarations, cuda, names))
    x = torch.arange(6.0).view(2, 3)
    assert extension.same(x) is x
    assert torch.equal(extension.view(x), x[:, 1])
    assert extension.view(x).untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    copy = extension.copy(x)
    assert torch.equal(copy, x.t())
    assert copy.is_contiguous()
    extension.fill(x)
    assert torch.equal(x, torch.full((2, 3), 3.5))


def test_a_matmul_of_512_takes_seconds_not_minutes(compiled: Compiled):
    matmul = compiled(inline(MATMUL, "torch::Tensor matmul_cuda(torch::Tensor A, torch::Tensor B)")).matmul_cuda
    a, b = torch.randn(2, 512, 512)
    torch.testing.assert_close(matmul(a, b), a @ b, atol=1e-3, rtol=1e-3)
