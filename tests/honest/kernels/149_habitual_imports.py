"""Imports out of habit, a size by numpy, and a benchmark of its own that only the main guard comes to."""
import torch
import torch.nn as nn

CATEGORY = "norm"


class Model(nn.Module):
    def __init__(self, groups):
        super().__init__()
        self.gn = nn.GroupNorm(groups, groups * 2)
    def forward(self, x):
        return torch.relu(self.gn(x))
groups = 6
size = 9
def get_inputs():
    return [torch.randn(3, groups * 2, size, size)]
def get_init_inputs():
    return [groups]
# --- candidate ---
"""GroupNorm + ReLU, fused into one kernel."""
from __future__ import annotations

import copy
import contextlib
import logging
import os
import re
import sys
import time
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.cpp_extension import load_inline

os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "8.0")

CUDA_SOURCE = r"""
#include <torch/extension.h>
template <int BLOCK>
__global__ void __launch_bounds__(BLOCK) gn_relu(const float* __restrict__ x, const float* __restrict__ w, const float* __restrict__ b,
                        float* __restrict__ y, int C, int G, int S, float eps) {
    const int g = blockIdx.x % G, n = blockIdx.x / G, cpg = C / G, len = cpg * S;
    const float* in = x + ((size_t)n * C + g * cpg) * S;
    float* out = y + ((size_t)n * C + g * cpg) * S;
    __shared__ float s1[BLOCK], s2[BLOCK];
    float a = 0.f;
    for (int i = threadIdx.x; i < len; i += BLOCK) a += in[i];
    s1[threadIdx.x] = a;
    __syncthreads();
    for (int k = BLOCK / 2; k; k /= 2) { if (threadIdx.x < k) s1[threadIdx.x] += s1[threadIdx.x + k]; __syncthreads(); }
    const float mean = s1[0] / len;
    float v = 0.f;
    for (int i = threadIdx.x; i < len; i += BLOCK) { float d = in[i] - mean; v += d * d; }
    s2[threadIdx.x] = v;
    __syncthreads();
    for (int k = BLOCK / 2; k; k /= 2) { if (threadIdx.x < k) s2[threadIdx.x] += s2[threadIdx.x + k]; __syncthreads(); }
    const float rstd = rsqrtf(s2[0] / len + eps);
    for (int i = threadIdx.x; i < len; i += BLOCK) {
        const int c = g * cpg + i / S;
        out[i] = fmaxf((in[i] - mean) * rstd * w[c] + b[c], 0.f);
    }
}
torch::Tensor gn_relu_forward(torch::Tensor x, torch::Tensor w, torch::Tensor b, int64_t groups, int64_t S, double eps) {
    auto y = torch::empty_like(x);
    const int N = x.size(0), C = x.size(1);
    gn_relu<128><<<N * groups, 128>>>(x.data_ptr<float>(), w.data_ptr<float>(), b.data_ptr<float>(), y.data_ptr<float>(), C, groups, S, eps);
    return y;
}
"""


@lru_cache(maxsize=None)
def _get_ext() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_inline(name="gn_relu_ext", cpp_sources="torch::Tensor gn_relu_forward(torch::Tensor x, torch::Tensor w, torch::Tensor b, int64_t groups, int64_t S, double eps);",
                           cuda_sources=CUDA_SOURCE, functions=["gn_relu_forward"], extra_cuda_cflags=["-O3", "--use_fast_math"])


class ModelNew(nn.Module):
    def __init__(self, groups: int) -> None:
        super().__init__()
        self.gn = nn.GroupNorm(groups, groups * 2)
        self.ext = _get_ext()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.ext.gn_relu_forward(x.contiguous(), self.gn.weight, self.gn.bias, self.gn.num_groups, int(np.prod(x.shape[2:])), self.gn.eps)


def _time(model: nn.Module, x: torch.Tensor) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    model(x)
    torch.cuda.synchronize()
    return time.perf_counter() - start


def main(argv: List[str]) -> None:
    torch.manual_seed(0)
    x = torch.randn(16, 64, 32, 32, device="cuda")
    reference, model = copy.deepcopy(nn.GroupNorm(32, 64)).cuda(), ModelNew(32).cuda()
    print(torch.allclose(F.relu(reference(x)), model(x), atol=1e-4), _time(model, x), argv)


if __name__ == "__main__":
    main(sys.argv)
