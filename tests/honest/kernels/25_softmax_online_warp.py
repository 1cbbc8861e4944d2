"""Softmax of rows, one warp a row, maximum and sum in one pass."""
import torch
import torch.nn as nn

CATEGORY = "softmax"
BATCH = 13
DIM = 260


class Model(nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=1)


def get_inputs():
    return [torch.randn(BATCH, DIM)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

softmax_source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void softmax_warp_kernel(const float* __restrict__ x, float* __restrict__ y, int rows, int cols) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const float* in = x + (size_t)row * cols;
    float* out = y + (size_t)row * cols;
    float m = -INFINITY, s = 0.0f;
    for (int c = threadIdx.x; c < cols; c += 32) {
        const float v = in[c];
        if (v > m) {
            s *= __expf(m - v);
            m = v;
        }
        s += __expf(v - m);
    }
#pragma unroll
    for (int mask = 16; mask > 0; mask >>= 1) {
        const float m2 = __shfl_xor_sync(0xffffffff, m, mask);
        const float s2 = __shfl_xor_sync(0xffffffff, s, mask);
        const float top = fmaxf(m, m2);
        s = (m == -INFINITY ? 0.0f : s * __expf(m - top)) + (m2 == -INFINITY ? 0.0f : s2 * __expf(m2 - top));
        m = top;
    }
    const float inverse = 1.0f / s;
    for (int c = threadIdx.x; c < cols; c += 32) out[c] = __expf(in[c] - m) * inverse;
}

torch::Tensor softmax_cuda(torch::Tensor x) {
    TORCH_CHECK(x.dim() == 2, "Expected a 2D tensor");
    auto y = torch::empty_like(x);
    const int rows = x.size(0);
    const int cols = x.size(1);
    const dim3 block(32, 4);
    const dim3 grid((rows + block.y - 1) / block.y);
    softmax_warp_kernel<<<grid, block>>>(x.data_ptr<float>(), y.data_ptr<float>(), rows, cols);
    cudaError_t err = cudaGetLastError();
    TORCH_CHECK(err == cudaSuccess, "softmax launch failed: ", cudaGetErrorString(err));
    return y;
}
"""

softmax = load_inline(
    name="softmax_online",
    cpp_sources="torch::Tensor softmax_cuda(torch::Tensor x);",
    cuda_sources=softmax_source,
    functions=["softmax_cuda"],
    verbose=False,
)


class ModelNew(nn.Module):
    def __init__(self):
        super(ModelNew, self).__init__()
        self.softmax = softmax

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.softmax.softmax_cuda(x.contiguous())
