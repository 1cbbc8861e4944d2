"""LeakyReLU: macros for checks, an extension named after a hash of its source, pybind arguments with defaults."""
import torch
import torch.nn as nn

CATEGORY = "activation"


class Model(nn.Module):
    def __init__(self, negative_slope: float = 0.01):
        super(Model, self).__init__()
        self.negative_slope = negative_slope
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.leaky_relu(x, negative_slope=self.negative_slope)
batch_size = 64
dim = 4096


def get_inputs():
    return [torch.rand(batch_size, dim) - 0.5]


def get_init_inputs():
    return []
# --- candidate ---
import os
import textwrap
import hashlib
from typing import Optional

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "8.0;9.0")

_CUDA_SRC = textwrap.dedent(r'''
    #include <torch/extension.h>
    #include <ATen/cuda/CUDAContext.h>
    #include <c10/cuda/CUDAException.h>
    #include <c10/cuda/CUDAGuard.h>
    #include <cuda_runtime.h>
    #include <cstdio>

    #define CHECK_CUDA(x) TORCH_CHECK(x.device().is_cuda(), #x " must be a CUDA tensor")
    #define CHECK_CONTIGUOUS(x) TORCH_CHECK(x.is_contiguous(), #x " must be contiguous")
    #define CHECK_INPUT(x) CHECK_CUDA(x); CHECK_CONTIGUOUS(x)
    #define CEIL_DIV(a, b) (((a) + (b) - 1) / (b))
    #define CUDA_CHECK(call)                                                              \
        do {                                                                              \
            cudaError_t err_ = (call);                                                    \
            if (err_ != cudaSuccess) {                                                    \
                fprintf(stderr, "CUDA error at %s:%d: %s (%s)\n", __FILE__, __LINE__,     \
                        cudaGetErrorString(err_), #call);                                 \
                throw std::runtime_error(cudaGetErrorString(err_));                       \
            }                                                                             \
        } while (0)

    namespace {

    constexpr int kThreads = 256;
    constexpr int kVec = 4;

    template <typename T>
    static __device__ __forceinline__ T leaky(T v, T slope) {
        return v >= static_cast<T>(0) ? v : v * slope;
    }

    __global__ void __launch_bounds__(kThreads)
    leaky_relu_vec4(const float* __restrict__ in, float* __restrict__ out, const int64_t n, const float slope) {
        const int64_t tid = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
        const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
        const int64_t n4 = n / kVec;
        const float4* in4 = reinterpret_cast<const float4*>(in);
        float4* out4 = reinterpret_cast<float4*>(out);
    #pragma unroll 4
        for (int64_t i = tid; i < n4; i += stride) {
            float4 v = __ldg(in4 + i);
            v.x = leaky(v.x, slope);
            v.y = leaky(v.y, slope);
            v.z = leaky(v.z, slope);
            v.w = leaky(v.w, slope);
            __stcs(out4 + i, v);
        }
        const int64_t tail = n4 * kVec + tid;
        if (tail < n) out[tail] = leaky(in[tail], slope);
    }

    }  // anonymous namespace

    at::Tensor leaky_relu_forward(const at::Tensor& x, double negative_slope) {
        CHECK_INPUT(x);
        TORCH_CHECK(x.scalar_type() == at::ScalarType::Float, "expected float32, got ", x.scalar_type());
        const c10::cuda::OptionalCUDAGuard guard(at::device_of(x));
        auto y = at::empty_like(x);
        const auto n = x.numel();
        if (n == 0) return y;
        int device = 0, sms = 0;
        CUDA_CHECK(cudaGetDevice(&device));
        CUDA_CHECK(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, device));
        const int64_t want = CEIL_DIV(CEIL_DIV(n, kVec), kThreads);
        const int blocks = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>(want, sms * 8)));
        auto stream = at::cuda::getCurrentCUDAStream();
        leaky_relu_vec4<<<blocks, kThreads, 0, stream>>>(
            x.const_data_ptr<float>(), y.mutable_data_ptr<float>(), n, static_cast<float>(negative_slope));
        C10_CUDA_KERNEL_LAUNCH_CHECK();
        return y;
    }

    PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
        m.doc() = "fused leaky relu";
        m.def("forward", &leaky_relu_forward, "LeakyReLU forward (CUDA)",
              py::arg("x"), py::arg("negative_slope") = 0.01);
    }
''')

_ext: Optional[object] = None


def _load():
    global _ext
    if _ext is None:
        tag = hashlib.md5(_CUDA_SRC.encode()).hexdigest()[:8]
        _ext = load_inline(
            name=f"leaky_relu_{tag}",
            cpp_sources="",
            cuda_sources=_CUDA_SRC,
            with_cuda=True,
            extra_cflags=["-O3"],
            extra_cuda_cflags=["-O3", "--use_fast_math", "-std=c++17", "--expt-relaxed-constexpr", "-lineinfo"],
            verbose=False,
        )
    return _ext


class ModelNew(nn.Module):
    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.ext = _load()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not x.is_contiguous():
            x = x.contiguous()
        return self.ext.forward(x, negative_slope=self.negative_slope)
