"""Launchers that call torch's own operators from C++ besides a kernel."""

import torch
import torch.nn.functional as F  # noqa: N812

from tests.judge.simt.example import example

KERNEL = r"""
__global__ void square(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * x[i];
}
static torch::Tensor squared(const torch::Tensor& x) {
    auto c = x.contiguous(), y = torch::empty_like(c);
    square<<<(c.numel() + 63) / 64, 64>>>(c.data_ptr<float>(), y.data_ptr<float>(), c.numel());
    return y;
}
"""

ARITHMETIC = (
    KERNEL
    + r"""
torch::Tensor f(torch::Tensor x, torch::Tensor w, double eps) {
    auto total = squared(x).sum(1, true) / x.size(1);
    auto norm = torch::rsqrt(total + eps) * 2 - 0.5f;
    norm += 1.0;
    norm.div_(x.numel());
    auto y = torch::matmul(x * norm, w.t());
    y[0] = 3.0f;
    y[1] = y.index({2});
    for (int i = 0; i < 2; ++i) y.index({3, i}) = y.index({4, i + 1}) + 1;
    return 1 - torch::relu(y).mean({0});
}
"""
)

CONVOLUTION = (
    KERNEL
    + r"""
torch::Tensor f(torch::Tensor x, torch::Tensor w, c10::optional<torch::Tensor> b, std::vector<int64_t> stride) {
    auto y = torch::conv2d(squared(x), w, b, stride, {1, 1});
    return torch::cat({y, at::softmax(y, 1)}, 1).clamp(-1, 1);
}
"""
)

PIECES = (
    KERNEL
    + r"""
py::tuple f(torch::Tensor x) {
    auto zeros = x.new_zeros({2}), twos = x.new_full({2}, 2.0).contiguous(x.suggest_memory_format());
    std::array<torch::Tensor, 2> halves = {squared(x).chunk(2, 1)[0], torch::split(squared(x), 3)[1]};
    auto last = x.index_select(0, torch::full({1}, x.size(0) - 1, x.options().dtype(torch::kLong)));
    return py::make_tuple(halves, zeros + twos, last, x.size(1), 2.5f);
}
"""
)


CHANNELS_LAST = (
    KERNEL
    + r"""
std::vector<torch::Tensor> f(torch::Tensor x, torch::Tensor volume) {
    auto last = x.contiguous(at::MemoryFormat::ChannelsLast), again = last.contiguous(at::MemoryFormat::ChannelsLast);
    auto deep = volume.contiguous(torch::MemoryFormat::ChannelsLast3d);
    TORCH_CHECK(last.is_contiguous(at::MemoryFormat::ChannelsLast) && again.data_ptr() == last.data_ptr());
    auto as_it_lies = torch::empty_like(x);
    square<<<(x.numel() + 63) / 64, 64>>>(last.data_ptr<float>(), as_it_lies.data_ptr<float>(), x.numel());
    return {as_it_lies, squared(deep)};
}
"""
)


def _channels_last(x: torch.Tensor, volume: torch.Tensor) -> list[torch.Tensor]:
    return [(x * x).permute(0, 2, 3, 1).reshape(x.shape), volume * volume]


def _pieces(x: torch.Tensor) -> tuple[object, ...]:
    return [(x * x).chunk(2, 1)[0], (x * x).split(3)[1]], torch.full((2,), 2.0), x[-1:], x.shape[1], 2.5


def _arithmetic(x: torch.Tensor, w: torch.Tensor, eps: float) -> torch.Tensor:
    norm = (torch.rsqrt((x * x).sum(1, keepdim=True) / x.shape[1] + eps) * 2 + 0.5) / x.numel()
    y = (x * norm) @ w.t()
    y[0] = 3
    y[1] = y[2]
    y[3, :2] = y[4, 1:3] + 1
    return 1 - y.relu().mean(0)


def _convolution(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None, stride: list[int]) -> torch.Tensor:
    y = F.conv2d(x * x, w, b, stride, 1)
    return torch.cat([y, y.softmax(1)], 1).clamp(-1, 1)


EXAMPLES = {
    "arithmetic on tensors": example(
        ARITHMETIC,
        "torch::Tensor f(torch::Tensor x, torch::Tensor w, double eps)",
        lambda: (torch.randn(5, 12), torch.randn(4, 12), 1e-5),
        _arithmetic,
    ),
    "pieces and a tuple of everything": example(
        PIECES, "py::tuple f(torch::Tensor x)", lambda: (torch.randn(5, 7),), _pieces
    ),
    "memory with the channels last": example(
        CHANNELS_LAST,
        "std::vector<torch::Tensor> f(torch::Tensor x, torch::Tensor volume)",
        lambda: (torch.randn(2, 3, 4, 5), torch.randn(2, 3, 4, 5, 2)),
        _channels_last,
    ),
    "convolution by torch": example(
        CONVOLUTION,
        "torch::Tensor f(torch::Tensor x, torch::Tensor w, c10::optional<torch::Tensor> b, std::vector<int64_t> stride)",
        lambda: (torch.randn(2, 3, 9, 9), torch.randn(4, 3, 3, 3), None, [2, 1]),
        _convolution,
    ),
}
