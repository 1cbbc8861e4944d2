"""Huber loss: the reduction is a text, arguments are keyword-only, a version is the module's attribute."""
import torch
import torch.nn as nn

CATEGORY = "loss"


class Model(nn.Module):
    def __init__(self, reduction, delta):
        super().__init__()
        self.loss = nn.HuberLoss(reduction=reduction, delta=delta)
    def forward(self, a, b):
        return self.loss(a, b)
R = 23
C = 31


def get_inputs():
    return [torch.randn(R, C) * 2, torch.randn(R, C)]


def get_init_inputs():
    return ["sum", 0.7]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <string>
#include <unordered_map>
enum class Reduction : int { None = 0, Mean = 1, Sum = 2 };
template <Reduction R>
__global__ void huber(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ out, int n, float delta) {
    float acc = 0.f;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        const float d = fabsf(a[i] - b[i]);
        const float l = d <= delta ? 0.5f * d * d : delta * (d - 0.5f * delta);
        if constexpr (R == Reduction::None) out[i] = l;
        else acc += l;
    }
    if constexpr (R != Reduction::None) {
#pragma unroll
        for (int o = warpSize / 2; o > 0; o /= 2) acc += __shfl_down_sync(0xffffffff, acc, o);
        if (threadIdx.x % warpSize == 0) atomicAdd(out, R == Reduction::Mean ? acc / n : acc);
    }
}
static Reduction parse(const std::string& name) {
    const std::unordered_map<std::string, Reduction> known{{"none", Reduction::None}, {"mean", Reduction::Mean}, {"sum", Reduction::Sum}};
    const auto found = known.find(name);
    TORCH_CHECK(found != known.end(), name, " is not a valid value for reduction");
    return found->second;
}
torch::Tensor huber_loss(const torch::Tensor& a, const torch::Tensor& b, const std::string& reduction, double delta) {
    TORCH_CHECK(delta > 0, "huber_loss does not support non-positive values for delta.");
    TORCH_CHECK(a.sizes().equals(b.sizes()), "sizes differ: ", a.sizes(), " and ", b.sizes());
    const Reduction r = parse(reduction);
    auto out = r == Reduction::None ? torch::empty_like(a) : torch::zeros({}, a.options());
    const int n = a.numel(), blocks = std::min((n + 255) / 256, 128);
#define HUBER(R) case R: huber<R><<<blocks, 256>>>(a.data_ptr<float>(), b.data_ptr<float>(), out.data_ptr<float>(), n, (float)delta); break
    switch (r) {
        HUBER(Reduction::None);
        HUBER(Reduction::Mean);
        HUBER(Reduction::Sum);
    }
#undef HUBER
    return out;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.attr("__version__") = "1.0";
    m.def("huber_loss", &huber_loss, "Huber loss", py::arg("a"), py::arg("b"), py::kw_only(), py::arg("reduction") = "mean", py::arg("delta") = 1.0);
}
"""
ext = load_inline(name="huber_modes", cpp_sources="", cuda_sources=src)
class ModelNew(nn.Module):
    def __init__(self, reduction, delta):
        super().__init__()
        self.options = dict(reduction=reduction, delta=delta)
    def forward(self, a, b):
        return ext.huber_loss(a.contiguous(), b.contiguous(), **self.options)
