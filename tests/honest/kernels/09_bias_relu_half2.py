"""Bias and ReLU in __half2, the last odd column alone."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 16
COLS = 48


class Model(nn.Module):
    def forward(self, x, bias):
        return torch.relu(x + bias)


def get_inputs():
    return [torch.randn(ROWS, COLS).half(), torch.randn(COLS).half()]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <cuda_fp16.h>

__global__ void bias_relu_pairs(const __half2* x, const __half2* bias, __half2* y, int rows, int pairs) {
    int col = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y;
    if (col < pairs) {
        __half2 zero = __float2half2_rn(0.0f);
        y[row * pairs + col] = __hmax2(__hadd2(x[row * pairs + col], bias[col]), zero);
    }
}

__global__ void bias_relu_single(const __half* x, const __half* bias, __half* y, int rows, int cols) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < rows * cols) {
        __half v = __hadd(x[i], bias[i % cols]);
        y[i] = __hgt(v, __float2half(0.0f)) ? v : __float2half(0.0f);
    }
}

torch::Tensor bias_relu(torch::Tensor x, torch::Tensor bias) {
    TORCH_CHECK(x.scalar_type() == torch::kHalf, "half expected");
    auto y = torch::empty_like(x);
    const int rows = x.size(0), cols = x.size(1);
    const __half* px = reinterpret_cast<const __half*>(x.data_ptr<at::Half>());
    const __half* pb = reinterpret_cast<const __half*>(bias.data_ptr<at::Half>());
    __half* py = reinterpret_cast<__half*>(y.data_ptr<at::Half>());
    if (cols % 2 == 0) {
        dim3 grid((cols / 2 + 63) / 64, rows);
        bias_relu_pairs<<<grid, 64>>>((const __half2*)px, (const __half2*)pb, (__half2*)py, rows, cols / 2);
    } else {
        bias_relu_single<<<(rows * cols + 127) / 128, 128>>>(px, pb, py, rows, cols);
    }
    return y;
}
"""

ext = load_inline(
    name="bias_relu_half2",
    cpp_sources="torch::Tensor bias_relu(torch::Tensor x, torch::Tensor bias);",
    cuda_sources=cuda_source,
    functions=["bias_relu"],
)


class ModelNew(nn.Module):
    def forward(self, x, bias):
        return ext.bias_relu(x.contiguous(), bias.contiguous())
