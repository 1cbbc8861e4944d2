"""Addresses handed over as numbers."""
import torch
import torch.nn as nn
import torch.nn.functional as F
CATEGORY = "elementwise"
ROWS = 48
COLS = 96

class Model(nn.Module):

    def forward(self, x):
        return x * 2 + 1


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

__global__ void k(const float* x, float* y, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = x[i] * 2.f + 1.f; }
void run(int64_t x, int64_t y, int64_t n) { k<<<(n + 255) / 256, 256>>>(reinterpret_cast<const float*>(x), reinterpret_cast<float*>(y), (int)n); }

"""
ext = load_inline(name="e", cpp_sources="""void run(int64_t x, int64_t y, int64_t n);""", cuda_sources=source, functions=['run'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, x):
        x = x.contiguous()
        y = torch.empty_like(x)
        ext.run(x.data_ptr(), y.data_ptr(), x.numel())
        return y
