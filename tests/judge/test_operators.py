"""What an ``OperatorLog`` sees besides operators, and where it puts what torch makes."""

from collections.abc import Iterator

import pytest
import torch
from torch import _tensor_str

from pipeline.judge.operators import FEW_BYTES, SCALAR_BYTES, OperatorLog, count_printing
from pipeline.judge.torch_values import described, map_tensors, plain


@pytest.fixture
def counting() -> Iterator[None]:
    formatted = _tensor_str._str
    count_printing()
    yield
    _tensor_str._str = formatted


@pytest.mark.usefixtures("counting")
def test_what_is_printed_counts_as_brought_to_the_host():
    x = torch.arange(48.0).view(6, 8)
    with OperatorLog() as log:
        assert "47." in f"{x}"
        assert "..." in str(x.expand(1000, 6, 8))
    assert log.scalars == 48 + 6 * 6 * 6
    assert not log.computing


@pytest.mark.usefixtures("counting")
def test_a_tensors_own_methods_do_not_run_while_it_is_printed():
    x, called = torch.ones(3), []
    x.dim = lambda: called.append(1) or 1
    with OperatorLog():
        repr(x)
    assert not called


def test_an_element_of_sixteen_bytes_is_two_numbers():
    with OperatorLog() as log:
        torch.zeros(4).view(torch.complex64)[0].item()
        torch.zeros(4).view(torch.float64).view(torch.complex128)[0].item()
    assert log.scalars * SCALAR_BYTES == 24


class Guarded:
    """An enclosure that notes what it holds."""

    def __init__(self) -> None:
        self.places: set[int] = set()

    def guard(self, tensor: torch.Tensor) -> torch.Tensor:
        copy = tensor.clone()
        self.places.add(copy.data_ptr())
        return copy

    def holds(self, tensor: torch.Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self.places


def test_what_torch_makes_is_put_into_the_enclosure_and_views_stay_where_they_are():
    x, few = torch.randn(8, 8), FEW_BYTES // 4
    enclosure = Guarded()
    with OperatorLog(enclosure=enclosure) as log:
        made = [x.clone(), torch.empty(few + 1), x.t().contiguous(), torch.tensor([0.5] * (few + 1)), x * 2]
        sizes = torch.tensor([1, 2, 3] * few)
        views = x.t(), made[0][1:]
        sizes.copy_(torch.ones(3 * few))
    assert all(map(enclosure.holds, made))
    assert torch.equal(made[2], x.t())
    assert not enclosure.holds(sizes)
    assert [view.untyped_storage().data_ptr() for view in views] == [x.data_ptr(), made[0].data_ptr()]
    assert log.copied_bytes == sizes.nbytes


def test_copies_that_put_values_elsewhere_are_counted():
    x, strided = torch.randn(4, 8), torch.randn(8, 4).t()
    with OperatorLog(keep_copies=True, given=[x, strided]) as log:
        x.clone()
        strided.contiguous()
    assert log.moved_bytes == 0
    with OperatorLog(keep_copies=True, given=[x, strided]) as log:
        x.t().contiguous()
        torch.empty(9, 8)[:4].copy_(x)
    assert log.moved_bytes == 2 * x.nbytes


def test_results_are_taken_over_without_running_their_constructors_or_methods():
    made = []

    class Results(list[torch.Tensor]):
        def __init__(self, items: list[torch.Tensor]) -> None:
            super().__init__(items)
            made.append(1)

    x = torch.ones(2)
    x.numel = lambda: made.append(1) or 2
    taken = plain(Results([x]))
    map_tensors(taken, lambda t: t.numel())
    assert made == [1]
    assert type(taken) is list
    assert taken[0].data_ptr() == x.data_ptr()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8, torch.bool])
def test_packing_is_of_the_values_and_only_what_it_copies_is_moved(dtype: torch.dtype):
    dense = torch.arange(6).reshape(2, 3).to(dtype)
    negative = [torch.ops.aten._neg_view(dense.float())]
    for tensor in (dense, dense[0, 0], dense[:0], dense.t(), dense[:, :2], *negative):
        with OperatorLog(keep_copies=True) as log:
            name, shape, strides, data = described(tensor) or ("", [], None, b"")
        values = tensor.resolve_neg().contiguous()
        assert bytes(data) == bytes(values.reshape(-1).view(torch.uint8).numpy())
        assert (name, shape) == (str(tensor.dtype).removeprefix("torch."), list(tensor.shape))
        assert log.moved_bytes == (0 if tensor.is_contiguous() else tensor.nbytes)
        assert (strides is None) == tensor.is_contiguous()
        assert not log.computing
