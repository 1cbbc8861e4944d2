"""A scaled shift whose forward insists on a GPU's tensors, and makes its own where they are."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 24
COLS = 52


class Model(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(cols))

    def forward(self, x):
        return x * self.scale + 0.5


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return [COLS]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

src = r"""
#include <torch/extension.h>
#ifndef BLOCK_SIZE
#define BLOCK_SIZE 128
#endif
#define CUDA_CALL(call) do { cudaError_t e = (call); TORCH_CHECK(e == cudaSuccess, #call, " failed at ", __FILE__, ":", __LINE__, ": ", cudaGetErrorString(e)); } while (0)

__global__ void scale_shift(const float* __restrict__ x, const float* __restrict__ scale, float* __restrict__ y, int n, int cols) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 350
    if (i < n) y[i] = __ldg(x + i) * __ldg(scale + i % cols) + 0.5f;
#else
    if (i < n) y[i] = x[i] * scale[i % cols] + 0.5f;
#endif
}

void run(torch::Tensor x, torch::Tensor scale, torch::Tensor y) {
    int n = x.numel();
    cudaDeviceProp prop;
    CUDA_CALL(cudaGetDeviceProperties(&prop, x.get_device()));
    TORCH_CHECK(prop.major >= 3, "too old a GPU: ", prop.name);
    scale_shift<<<(n + BLOCK_SIZE - 1) / BLOCK_SIZE, BLOCK_SIZE>>>(x.data_ptr<float>(), scale.data_ptr<float>(), y.data_ptr<float>(), n, x.size(-1));
    CUDA_CALL(cudaGetLastError());
}
"""
ext = load_inline("scale_shift", "void run(torch::Tensor x, torch::Tensor scale, torch::Tensor y);", src, functions=["run"])


class ModelNew(nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(cols))

    def forward(self, x):
        assert x.device.type == "cuda" and not x.is_cpu, f"expected a CUDA tensor, got one on {x.device}"
        if self.scale.device != x.device:
            raise RuntimeError("the weights are elsewhere")
        x = x.contiguous()
        y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        ext.run(x, self.scale.to(x.device), y)
        return y
