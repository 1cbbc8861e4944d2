"""Exclusive scan of rows after Blelloch, bank conflicts avoided by padding."""
import torch
import torch.nn as nn

CATEGORY = "scan"


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
    def forward(self, x):
        shifted = torch.cat((torch.zeros_like(x.select(self.dim, 0).unsqueeze(self.dim)), x), dim=self.dim)[:, :-1]
        return torch.cumsum(shifted, dim=self.dim)
batch_size = 12
length = 1500
dim = 1


def get_inputs():
    return [torch.rand(batch_size, length)]


def get_init_inputs():
    return [dim]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda = r'''
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>

#define LOG_BANKS 5
#define CONFLICT_FREE(n) ((n) + ((n) >> LOG_BANKS))

template <int N>
__global__ void blelloch_exclusive(const float* __restrict__ in, float* __restrict__ out, int cols) {
    extern __shared__ float temp[];
    __shared__ float carry;
    const int t = threadIdx.x;
    const float* src = in + (int64_t)blockIdx.x * cols;
    float* dst = out + (int64_t)blockIdx.x * cols;
    if (t == 0) carry = 0.0f;
    for (int base = 0; base < cols; base += N) {
        const int a = t, b = t + N / 2;
        temp[CONFLICT_FREE(a)] = base + a < cols ? src[base + a] : 0.0f;
        temp[CONFLICT_FREE(b)] = base + b < cols ? src[base + b] : 0.0f;
        int offset = 1;
        #pragma unroll
        for (int d = N >> 1; d > 0; d >>= 1) {
            __syncthreads();
            if (t < d) {
                const int ai = CONFLICT_FREE(offset * (2 * t + 1) - 1);
                const int bi = CONFLICT_FREE(offset * (2 * t + 2) - 1);
                temp[bi] += temp[ai];
            }
            offset <<= 1;
        }
        __syncthreads();
        float total = temp[CONFLICT_FREE(N - 1)];
        const float before = carry;
        __syncthreads();
        if (t == 0) {
            temp[CONFLICT_FREE(N - 1)] = 0.0f;
            carry = before + total;
        }
        #pragma unroll
        for (int d = 1; d < N; d <<= 1) {
            offset >>= 1;
            __syncthreads();
            if (t < d) {
                const int ai = CONFLICT_FREE(offset * (2 * t + 1) - 1);
                const int bi = CONFLICT_FREE(offset * (2 * t + 2) - 1);
                const float swap = temp[ai];
                temp[ai] = temp[bi];
                temp[bi] += swap;
            }
        }
        __syncthreads();
        if (base + a < cols) dst[base + a] = before + temp[CONFLICT_FREE(a)];
        if (base + b < cols) dst[base + b] = before + temp[CONFLICT_FREE(b)];
        __syncthreads();
    }
}

at::Tensor exclusive_cumsum(at::Tensor x) {
    x = x.contiguous();
    at::Tensor y = at::empty(x.sizes(), x.options());
    constexpr int N = 512;
    const size_t smem = CONFLICT_FREE(N) * sizeof(float) + sizeof(float);
    const int cols = x.size(-1);
    blelloch_exclusive<N><<<x.numel() / cols, N / 2, smem, at::cuda::getCurrentCUDAStream().stream()>>>(
        x.data_ptr<float>(), y.data_ptr<float>(), cols);
    AT_CUDA_CHECK(cudaGetLastError());
    return y;
}
'''
scan = load_inline(name="blelloch", cpp_sources="at::Tensor exclusive_cumsum(at::Tensor x);", cuda_sources=cuda, functions=["exclusive_cumsum"])

class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
    def forward(self, x):
        assert self.dim in (1, -1) and x.dim() == 2
        return scan.exclusive_cumsum(x)
