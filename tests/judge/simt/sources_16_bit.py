"""Sources with CUDA's 16-bit types, in all the ways that models spell them."""

import torch

from tests.judge.simt.example import example

OPERATORS = ("-U__CUDA_NO_HALF_OPERATORS__", "-U__CUDA_NO_HALF_CONVERSIONS__")

INTRINSICS = r"""
#include <cuda_fp16.h>
__global__ void k(const __half* __restrict__ x, const half2* w, half* y, float* sums, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    half v = i < n ? __ldg(x + i) : __float2half(0.0f);
    half2 pair = __halves2half2(v, __hneg(v));
    pair = __hfma2(pair, w[0], __float2half2_rn(0.5f));
    half r = __hadd(hexp(__low2half(pair)), __hmul(hrcp(__float2half(2.0f)), __high2half(pair)));
    if (__hgt(v, __float2half(1.0f))) r = __hmax(r, hsqrt(v));
    if (i < n) y[i] = r;
    v = __hlt(v, __float2half(0.0f)) ? __float2half(1.0f) : __float2half(0.0f);
    for (int offset = 16; offset; offset /= 2) v = __hadd(v, __shfl_down_sync(0xffffffff, v, offset));
    if (threadIdx.x % 32 == 0 && i < n) atomicAdd(sums, __half2float(v));
}
std::vector<torch::Tensor> f(torch::Tensor x, torch::Tensor w) {
    auto y = torch::empty_like(x);
    auto sums = torch::zeros({1}, x.options().dtype(torch::kFloat32));
    k<<<(x.numel() + 63) / 64, 64>>>(reinterpret_cast<const __half*>(x.data_ptr<at::Half>()),
        reinterpret_cast<const half2*>(w.data_ptr<at::Half>()), (half*)y.data_ptr<at::Half>(), sums.data_ptr<float>(),
        x.numel());
    return {y, sums};
}
"""


def _intrinsics(x: torch.Tensor, w: torch.Tensor) -> list[torch.Tensor]:
    a, b = (x.float() * w[0].float() + 0.5).half().float(), (w[1].float() * -x.float() + 0.5).half().float()
    y = (a.exp().half() + (0.5 * b).half()).half()
    y = torch.where(x > 1, torch.maximum(y, x.abs().sqrt()), y)
    return [y, (x < 0).sum().float()[None]]


BFLOAT16 = r"""
#include <cuda_bf16.h>
__global__ void k(const __nv_bfloat16* x, __nv_bfloat162* pairs, __nv_bfloat16* y, int n) {
    __shared__ __nv_bfloat16 tile[64];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    tile[threadIdx.x] = i < n ? x[i] : __float2bfloat16(0.0f);
    __syncthreads();
    if (i < n) {
        float v = __bfloat162float(tile[threadIdx.x]);
        y[i] = __float2bfloat16_rn(v / (1.0f + expf(-v)));
        atomicAdd(pairs, __floats2bfloat162_rn(1.0f, 0.0f));
    }
}
std::vector<torch::Tensor> f(torch::Tensor x) {
    auto y = torch::empty_like(x);
    auto pairs = torch::zeros({2}, x.options());
    k<<<(x.numel() + 63) / 64, 64>>>(reinterpret_cast<const __nv_bfloat16*>(x.data_ptr<at::BFloat16>()),
        reinterpret_cast<__nv_bfloat162*>(pairs.data_ptr()), reinterpret_cast<__nv_bfloat16*>(y.data_ptr()), x.numel());
    return {y, pairs};
}
"""

DISPATCH = r"""
#include <cuda_fp16.h>
#include <ATen/AccumulateType.h>
template <typename T> __device__ __forceinline__ T relu(T v) { return v > T(0) ? v : T(0); }
template <typename scalar_t>
__global__ void k(const scalar_t* x, scalar_t* y, scalar_t* sum, int n, at::opmath_type<scalar_t> scale) {
    using acc_t = at::acc_type<scalar_t, true>;
    int i = threadIdx.x;
    acc_t total = 0;
    for (int c = i; c < n; c += blockDim.x) {
        scalar_t v = relu(x[c]) * scalar_t(2) + 1;
        v += static_cast<scalar_t>(scale);
        y[c] = -v / static_cast<scalar_t>(4);
        total += static_cast<acc_t>(x[c]);
    }
    for (int m = 16; m; m >>= 1) total += __shfl_xor_sync(0xffffffffu, total, m);
    if (i == 0) *sum = total;
}
std::tuple<torch::Tensor, torch::Tensor> f(torch::Tensor x, double scale) {
    auto y = torch::empty_like(x), sum = torch::empty({}, x.options());
    AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "f", [&] {
        k<scalar_t><<<1, 32>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), sum.data_ptr<scalar_t>(), x.numel(),
                               static_cast<at::opmath_type<scalar_t>>(scale));
    });
    return {y, sum};
}
"""

OPERATORS_ON_HALF = r"""
#include <cuda_fp16.h>
__global__ void k(const half* x, half* y, int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        half v = x[i] * x[i] + __float2half(1.5f);
        v += half(2.0f);
        y[i] = v > half(4.0f) ? v : half(float(v) * 0.5f);
    }
}
torch::Tensor f(torch::Tensor x) {
    auto y = torch::empty_like(x);
    k<<<1, 32>>>(reinterpret_cast<half*>(x.data_ptr<torch::Half>()), reinterpret_cast<half*>(y.data_ptr<c10::Half>()),
                 x.numel());
    return y;
}
"""


def _operators(x: torch.Tensor) -> torch.Tensor:
    v = x * x + 1.5 + 2
    return torch.where(v > 4, v, v * 0.5)


EXAMPLES = {
    "intrinsics of half": example(
        INTRINSICS,
        "std::vector<torch::Tensor> f(torch::Tensor x, torch::Tensor w)",
        lambda: (torch.randn(150).half(), torch.randn(2).half()),
        _intrinsics,
    ),
    "bfloat16": example(
        BFLOAT16,
        "std::vector<torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.randn(99).bfloat16(),),
        lambda x: [torch.nn.functional.silu(x), torch.tensor([99, 0]).bfloat16()],
    ),
    **{
        f"dispatch to {dtype}": example(
            DISPATCH,
            "std::tuple<torch::Tensor, torch::Tensor> f(torch::Tensor x, double scale)",
            lambda dtype=dtype: (torch.randn(77).to(dtype), 0.25),
            lambda x, s: (-(x.relu() * 2 + 1 + s) / 4, x.float().sum().to(x.dtype)),
        )
        for dtype in (torch.float32, torch.float16, torch.bfloat16)
    },
    "operators on half": example(
        OPERATORS_ON_HALF,
        "torch::Tensor f(torch::Tensor x)",
        lambda: (torch.randn(70).half(),),
        _operators,
        OPERATORS,
    ),
}
