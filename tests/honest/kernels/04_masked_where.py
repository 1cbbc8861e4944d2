"""torch.where over a bool mask, the two sides computed in the kernel."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 24
COLS = 50


class Model(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x, y, mask):
        return torch.where(mask, x + y, self.slope * (x - y))


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randn(ROWS, COLS), torch.rand(ROWS, COLS) < 0.3]


def get_init_inputs():
    return [0.25]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_src = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>

__global__ void where_kernel(const float* x, const float* y, const bool* mask, float* out, float slope, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        out[i] = mask[i] ? x[i] + y[i] : slope * (x[i] - y[i]);
    }
}

torch::Tensor masked(torch::Tensor x, torch::Tensor y, torch::Tensor mask, double slope) {
    TORCH_CHECK(mask.scalar_type() == at::kBool, "mask must be bool, got ", mask.scalar_type());
    TORCH_CHECK(x.sizes() == y.sizes() && x.sizes() == mask.sizes(), "shapes differ");
    auto out = at::empty_like(x);
    const int n = static_cast<int>(x.numel());
    auto stream = at::cuda::getCurrentCUDAStream();
    where_kernel<<<std::min((n + 127) / 128, 4), 128, 0, stream>>>(
        x.data_ptr<float>(), y.data_ptr<float>(), mask.data_ptr<bool>(), out.data_ptr<float>(), (float)slope, n);
    AT_CUDA_CHECK(cudaGetLastError());
    return out;
}
"""

cpp_src = r"""
#include <torch/extension.h>
torch::Tensor masked(torch::Tensor x, torch::Tensor y, torch::Tensor mask, double slope);
"""

ops = load_inline("masked_where", [cpp_src], [cuda_src], functions=["masked"], with_cuda=True)


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = float(slope)

    def forward(self, x, y, mask):
        return ops.masked(x.contiguous(), y.contiguous(), mask.contiguous(), self.slope)
