"""Over 48 KB of shared memory, allowed once by a helper, launched through a pointer to the kernel."""
import torch
import torch.nn as nn

CATEGORY = "softmax"


class Model(nn.Module):
    """Row softmax then weighted sum over rows of a matrix held whole in shared memory."""
    def forward(self, x):
        return torch.softmax(x, dim=-1).sum(dim=-2)
B = 3
R = 60
C = 230


def get_inputs():
    return [torch.randn(B, R, C)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <c10/cuda/CUDAException.h>
#include <mutex>

template <int WARPS>
__global__ void softmax_colsum(const float* __restrict__ x, float* __restrict__ out, int R, int C, int rows_at_once) {
    extern __shared__ float tile[];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const float* base = x + (size_t)blockIdx.x * R * C;
    for (int c = threadIdx.x; c < C; c += blockDim.x) out[(size_t)blockIdx.x * C + c] = 0.f;
    for (int r0 = 0; r0 < R; r0 += rows_at_once) {
        const int rows = min(rows_at_once, R - r0);
        for (int r = warp; r < rows; r += WARPS) {
            float m = -INFINITY, s = 0.f;
            for (int c = lane; c < C; c += 32) {
                const float v = base[(size_t)(r0 + r) * C + c];
                tile[r * C + c] = v;
                m = fmaxf(m, v);
            }
            for (int o = 16; o; o >>= 1) m = fmaxf(m, __shfl_xor_sync(0xffffffffu, m, o));
            for (int c = lane; c < C; c += 32) s += tile[r * C + c] = expf(tile[r * C + c] - m);
            for (int o = 16; o; o >>= 1) s += __shfl_xor_sync(0xffffffffu, s, o);
            for (int c = lane; c < C; c += 32) tile[r * C + c] /= s;
        }
        __syncthreads();
        for (int c = threadIdx.x; c < C; c += blockDim.x) {
            float sum = 0.f;
            for (int r = 0; r < rows; ++r) sum += tile[r * C + c];
            out[(size_t)blockIdx.x * C + c] += sum;
        }
        __syncthreads();
    }
}

template <typename Kernel>
void allow_dynamic_smem(Kernel kernel, size_t bytes) {
    if (bytes > 48 * 1024) {
        C10_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes));
    }
}

torch::Tensor softmax_sum(torch::Tensor x) {
    constexpr int kWarps = 8;
    constexpr size_t kBudget = 80 * 1024;
    static std::once_flag once;
    std::call_once(once, [] { allow_dynamic_smem(softmax_colsum<kWarps>, kBudget); });
    const int B = x.size(0), R = x.size(1), C = x.size(2);
    const int rows = std::max<int>(1, std::min<int>(R, kBudget / (C * sizeof(float))));
    auto out = torch::empty({B, C}, x.options());
    auto run = &softmax_colsum<kWarps>;
    run<<<B, kWarps * 32, kBudget>>>(x.data_ptr<float>(), out.data_ptr<float>(), R, C, rows);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return out;
}
"""
ext = load_inline(name="softmax_sum", cpp_sources="torch::Tensor softmax_sum(torch::Tensor x);", cuda_sources=src, functions=["softmax_sum"])
class ModelNew(nn.Module):
    def forward(self, x):
        return ext.softmax_sum(x.contiguous())
