"""Persistent blocks that fetch rows from a counter until none is left."""
import torch
import torch.nn as nn

CATEGORY = "softmax"
ROWS = 33
COLS = 48


class Model(nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=1) * x


def get_inputs():
    return [torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void persistent_kernel(const float* x, float* y, int* counter, int rows, int cols) {
    __shared__ int row;
    __shared__ float buffer[64];
    const int t = threadIdx.x;
    while (true) {
        if (t == 0) row = atomicAdd(counter, 1);
        __syncthreads();
        const int r = row;
        if (r >= rows) return;  // the same for all threads of the block
        const float* in = x + (size_t)r * cols;
        float top = -INFINITY;
        for (int c = t; c < cols; c += 64) top = fmaxf(top, in[c]);
        buffer[t] = top;
        __syncthreads();
        for (int s = 32; s > 0; s >>= 1) {
            if (t < s) buffer[t] = fmaxf(buffer[t], buffer[t + s]);
            __syncthreads();
        }
        top = buffer[0];
        __syncthreads();
        float sum = 0.f;
        for (int c = t; c < cols; c += 64) sum += expf(in[c] - top);
        buffer[t] = sum;
        __syncthreads();
        for (int s = 32; s > 0; s >>= 1) {
            if (t < s) buffer[t] += buffer[t + s];
            __syncthreads();
        }
        for (int c = t; c < cols; c += 64) y[(size_t)r * cols + c] = expf(in[c] - top) / buffer[0] * in[c];
        __syncthreads();
    }
}

torch::Tensor softmax_times_x(torch::Tensor x) {
    auto y = torch::empty_like(x);
    auto counter = torch::zeros({1}, x.options().dtype(torch::kInt32));
    int device = 0, processors = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    const int rows = x.size(0);
    persistent_kernel<<<std::min(rows, processors), 64>>>(x.data_ptr<float>(), y.data_ptr<float>(),
                                                          counter.data_ptr<int>(), rows, x.size(1));
    return y;
}
"""

ext = load_inline(
    name="persistent_softmax",
    cpp_sources="torch::Tensor softmax_times_x(torch::Tensor x);",
    cuda_sources=cuda_source,
    functions=["softmax_times_x"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.softmax_times_x(x.contiguous())
