"""A buffer that the weights are packed into anew for each call."""
import torch
import torch.nn as nn
import torch.nn.functional as F
CATEGORY = "matmul"
ROWS = 48
COLS = 96

class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(24, cols) / 8)
        self.bias = nn.Parameter(torch.zeros(24))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void lin(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ b, float* __restrict__ y, int R, int K, int N, bool relu) {
  int i = blockIdx.y * blockDim.y + threadIdx.y, j = blockIdx.x * blockDim.x + threadIdx.x; if (i >= R || j >= N) return;
  float s = b ? b[j] : 0.f; for (int k = 0; k < K; ++k) s += x[i * K + k] * w[k * N + j]; y[i * N + j] = relu ? fmaxf(s, 0.f) : s; }
torch::Tensor run(torch::Tensor x, torch::Tensor w, c10::optional<torch::Tensor> b, bool relu) { int R = x.size(0), K = x.size(1), N = w.size(1); auto y = torch::empty({R, N}, x.options()); const float* bp = b.has_value() ? b->data_ptr<float>() : nullptr;
 lin<<<dim3((N + 31) / 32, (R + 7) / 8), dim3(32, 8)>>>(x.data_ptr<float>(), w.data_ptr<float>(), bp, y.data_ptr<float>(), R, K, N, relu); return y; }

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor run(torch::Tensor x, torch::Tensor w, c10::optional<torch::Tensor> b, bool relu);""", cuda_sources=source, functions=['run'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(24, args[0]) / 8)
        self.bias = nn.Parameter(torch.zeros(24))
        self.register_buffer('packed', torch.empty(args[0], 24), persistent=False)

    def forward(self, x):
        self.packed.copy_(self.weight.t())
        return ext.run(x.contiguous(), self.packed, self.bias, False)
