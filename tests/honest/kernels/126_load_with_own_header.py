"""load() of a .cu and a .cpp that share a header of their own, written to a temporary folder."""
import torch
import torch.nn as nn

CATEGORY = "norm"


class Model(nn.Module):
    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
    def forward(self, x):
        rms = torch.sqrt(torch.mean(x ** 2, dim=1, keepdim=True) + self.eps)
        return x / rms
batch_size = 8
features = 64
dim1 = 32
dim2 = 32


def get_inputs():
    return [torch.rand(batch_size, features, dim1, dim2)]


def get_init_inputs():
    return [features]
# --- candidate ---
import os
import tempfile
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

HEADER = """
#pragma once
#include <torch/extension.h>
struct Geometry {
    int features;
    int spatial;
    float inv_features;
    float eps;
};
torch::Tensor rms_norm_forward(torch::Tensor x, double eps);
"""

BINDING = """
#include "rms.h"
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("forward", &rms_norm_forward, "RMSNorm over dim 1", py::arg("x"), py::arg("eps"));
}
"""

KERNEL = r"""
#include "rms.h"
#include <cuda.h>
#include <cuda_runtime.h>

template <int kRows>
__global__ void rms_kernel(const float* __restrict__ x, float* __restrict__ y, const Geometry g) {
    __shared__ float partial[kRows][33];
    const int s = blockIdx.x * 32 + threadIdx.x;
    const size_t base = (size_t)blockIdx.y * g.features * g.spatial;
    float acc = 0.f;
    if (s < g.spatial) {
        for (int c = threadIdx.y; c < g.features; c += kRows) {
            const float v = x[base + (size_t)c * g.spatial + s];
            acc = fmaf(v, v, acc);
        }
    }
    partial[threadIdx.y][threadIdx.x] = acc;
    __syncthreads();
    for (int h = kRows / 2; h > 0; h >>= 1) {
        if (threadIdx.y < h) partial[threadIdx.y][threadIdx.x] += partial[threadIdx.y + h][threadIdx.x];
        __syncthreads();
    }
    const float r = rsqrtf(partial[0][threadIdx.x] * g.inv_features + g.eps);
    if (s < g.spatial) {
        for (int c = threadIdx.y; c < g.features; c += kRows) {
            const size_t i = base + (size_t)c * g.spatial + s;
            y[i] = x[i] * r;
        }
    }
}

torch::Tensor rms_norm_forward(torch::Tensor x, double eps) {
    TORCH_CHECK(x.dim() >= 2, "at least 2 dimensions");
    auto in = x.contiguous();
    auto out = torch::empty_like(in);
    Geometry g;
    g.features = static_cast<int>(in.size(1));
    g.spatial = static_cast<int>(in.numel() / (in.size(0) * in.size(1)));
    g.inv_features = 1.0f / g.features;
    g.eps = static_cast<float>(eps);
    constexpr int kRows = 8;
    dim3 block(32, kRows);
    dim3 grid((g.spatial + 31) / 32, in.size(0));
    rms_kernel<kRows><<<grid, block>>>(in.data_ptr<float>(), out.data_ptr<float>(), g);
    return out;
}
"""


@lru_cache(maxsize=None)
def build():
    folder = Path(tempfile.mkdtemp(prefix="rms_ext_"))
    (folder / "rms.h").write_text(HEADER)
    (folder / "binding.cpp").write_text(BINDING)
    (folder / "rms.cu").write_text(KERNEL)
    return load(
        name="rms_ext",
        sources=[str(folder / "binding.cpp"), str(folder / "rms.cu")],
        extra_include_paths=[str(folder)],
        extra_cuda_cflags=["-O3"],
        verbose=False,
    )


class ModelNew(nn.Module):
    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__()
        self.num_features = num_features
        self.eps = eps

    def forward(self, x):
        return build().forward(x, self.eps)
