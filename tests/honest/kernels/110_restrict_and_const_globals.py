"""Constants of every kind at the top."""
import torch
import torch.nn as nn
import torch.nn.functional as F
CATEGORY = "activation"
ROWS = 48
COLS = 96

class Model(nn.Module):

    def forward(self, x):
        return F.gelu(x)


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

static const float kInvSqrt2 = 0.70710678f;
constexpr float kHalf = 0.5f;
const int kThreads = 192;
enum { kVec = 1 };
__device__ const float kTable[2] = {1.0f, 2.0f};
__global__ void k(const float* x, float* y, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = kHalf * x[i] * (kTable[0] + erff(x[i] * kInvSqrt2)); }
torch::Tensor run(torch::Tensor x) { auto y = torch::empty_like(x); int n = x.numel(); k<<<(n + kThreads - 1) / kThreads, kThreads>>>(x.data_ptr<float>(), y.data_ptr<float>(), n); return y; }

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor run(torch::Tensor x);""", cuda_sources=source, functions=['run'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, x):
        return ext.run(x)
