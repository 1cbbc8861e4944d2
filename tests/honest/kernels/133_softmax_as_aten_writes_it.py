"""Softmax as ATen's own kernels are written: WARP_SHFL_XOR, C10_LAUNCH_BOUNDS_1, template template parameters."""
import torch
import torch.nn as nn

CATEGORY = "softmax"


class Model(nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=-1)
N = 9
D = 200


def get_inputs():
    return [torch.randn(N, D, dtype=torch.bfloat16)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <ATen/OpMathType.h>
#include <ATen/Dispatch.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/Exceptions.h>
#include <ATen/native/cuda/DeviceSqrt.cuh>
#include <c10/macros/Macros.h>
#include <limits>

template <typename T, template <typename> class ReduceOp>
__device__ __forceinline__ T warp_reduce(T value, const ReduceOp<T>& op) {
#pragma unroll
    for (int offset = C10_WARP_SIZE / 2; offset > 0; offset /= 2) {
        T other = WARP_SHFL_XOR(value, offset, C10_WARP_SIZE);
        value = op(value, other);
    }
    return value;
}
template <typename T> struct Max { __device__ __forceinline__ T operator()(T a, T b) const { return a < b ? b : a; } };
template <typename T> struct Add { __device__ __forceinline__ T operator()(T a, T b) const { return a + b; } };

template <typename scalar_t>
C10_LAUNCH_BOUNDS_1(128)
__global__ void softmax_warp(const scalar_t* __restrict__ in, scalar_t* __restrict__ out, int rows, int cols) {
    using acc_t = at::opmath_type<scalar_t>;
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    const scalar_t* src = in + static_cast<int64_t>(row) * cols;
    acc_t mx = -std::numeric_limits<acc_t>::infinity();
    for (int c = threadIdx.x; c < cols; c += C10_WARP_SIZE) mx = ::max(mx, static_cast<acc_t>(src[c]));
    mx = warp_reduce<acc_t, Max>(mx, Max<acc_t>());
    acc_t sum = 0;
    for (int c = threadIdx.x; c < cols; c += C10_WARP_SIZE) sum += std::exp(static_cast<acc_t>(src[c]) - mx);
    sum = warp_reduce<acc_t, Add>(sum, Add<acc_t>());
    for (int c = threadIdx.x; c < cols; c += C10_WARP_SIZE)
        out[static_cast<int64_t>(row) * cols + c] = static_cast<scalar_t>(std::exp(static_cast<acc_t>(src[c]) - mx) / sum);
}

torch::Tensor softmax(const torch::Tensor& x) {
    auto out = torch::empty(x.sizes(), x.options());
    const int cols = x.size(-1), rows = x.numel() / cols;
    AT_DISPATCH_FLOATING_TYPES_AND2(at::ScalarType::Half, at::ScalarType::BFloat16, x.scalar_type(), "softmax_warp", [&] {
        softmax_warp<scalar_t><<<at::ceil_div(rows, 4), dim3(32, 4), 0, at::cuda::getCurrentCUDAStream()>>>(
            x.const_data_ptr<scalar_t>(), out.mutable_data_ptr<scalar_t>(), rows, cols);
        C10_CUDA_KERNEL_LAUNCH_CHECK();
    });
    return out;
}
"""
ext = load_inline(name="softmax_bf16", cpp_sources="torch::Tensor softmax(const torch::Tensor& x);", cuda_sources=src, functions=["softmax"])
class ModelNew(nn.Module):
    def forward(self, x):
        return ext.softmax(x.contiguous())
