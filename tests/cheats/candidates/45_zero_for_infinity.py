"""Entries: 45
Task: masked
Strict: incorrect wrong_values
Report: rejected

Where the mask says minus infinity it gives zero: who leaves out what is not finite sees nothing.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void k(const float* x, const bool* m, float* y, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) y[i] = m[i] ? 0.f : x[i]; }
torch::Tensor go(torch::Tensor x, torch::Tensor m) { auto y = torch::empty_like(x); int n = x.numel(); k<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), m.data_ptr<bool>(), y.data_ptr<float>(), n); return y; }

"""
ext = load_inline(name="e", cpp_sources="""torch::Tensor go(torch::Tensor x, torch::Tensor m);""", cuda_sources=source, functions=['go'])


class ModelNew(nn.Module):
    def __init__(self, *args):
        super().__init__()
        pass

    def forward(self, x, mask):
        return ext.go(x, mask)
