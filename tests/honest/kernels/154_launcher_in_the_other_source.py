"""Checks and bindings in C++ that let go of Python's lock, the launcher beside the kernel."""
import torch
import torch.nn as nn

CATEGORY = "matmul"


class Model(nn.Module):
    def forward(self, a, b):
        return torch.bmm(a, b).clamp(min=-1.0, max=1.0)
m, k, n = 20, 17, 23
def get_inputs():
    return [torch.randn(3, m, k), torch.randn(3, k, n)]
def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
cpp = r"""
#include <torch/extension.h>
#include <vector>
#define CHECK_INPUT(x) TORCH_CHECK(x.device().is_cuda(), #x " must be a CUDA tensor"); TORCH_CHECK(x.is_contiguous(), #x " must be contiguous")
void bmm_launcher(const float* a, const float* b, float* c, int batch, int m, int n, int k, float lo, float hi);
torch::Tensor bmm_clamp(torch::Tensor a, torch::Tensor b, float lo, float hi) {
    CHECK_INPUT(a);
    CHECK_INPUT(b);
    TORCH_CHECK(a.size(2) == b.size(1), "inner sizes differ: ", a.size(2), " and ", b.size(1));
    auto c = torch::empty({a.size(0), a.size(1), b.size(2)}, a.options());
    bmm_launcher(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), a.size(0), a.size(1), b.size(2), a.size(2), lo, hi);
    return c;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("bmm_clamp", &bmm_clamp, "batched product, clamped (CUDA)", py::arg("a"), py::arg("b"), py::arg("lo") = -1.0f, py::arg("hi") = 1.0f, py::call_guard<py::gil_scoped_release>());
}
"""
cuda = r"""
#include <cuda.h>
#include <cuda_runtime.h>
#include <cstdio>
#include <cstdlib>
#define CUDA_CHECK(call)                                                                       \
    do {                                                                                       \
        cudaError_t err = (call);                                                              \
        if (err != cudaSuccess) {                                                              \
            fprintf(stderr, "CUDA error %s:%d: %s\n", __FILE__, __LINE__, cudaGetErrorString(err)); \
            exit(EXIT_FAILURE);                                                                \
        }                                                                                      \
    } while (0)
static inline __device__ float4 operator*(const float4 a, const float s) { return make_float4(a.x * s, a.y * s, a.z * s, a.w * s); }
static inline __device__ float4& operator+=(float4& a, const float4 b) { a.x += b.x; a.y += b.y; a.z += b.z; a.w += b.w; return a; }
template <int BM, int BN, int BK>
__global__ void bmm_kernel(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C, int M, int N, int K, float lo, float hi) {
    __shared__ __align__(16) float As[BK][BM];
    __shared__ __align__(16) float Bs[BK][BN];
    A += (size_t)blockIdx.z * M * K; B += (size_t)blockIdx.z * K * N; C += (size_t)blockIdx.z * M * N;
    const int tx = threadIdx.x % (BN / 4), ty = threadIdx.x / (BN / 4), row0 = blockIdx.y * BM, col0 = blockIdx.x * BN;
    float4 acc[2] = {make_float4(0, 0, 0, 0), make_float4(0, 0, 0, 0)};
    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int i = threadIdx.x; i < BM * BK; i += blockDim.x) {
            const int r = i / BK, k = i % BK;
            As[k][r] = row0 + r < M && k0 + k < K ? A[(row0 + r) * K + k0 + k] : 0.f;
        }
        for (int i = threadIdx.x; i < BN * BK; i += blockDim.x) {
            const int c = i % BN, k = i / BN;
            Bs[k][c] = col0 + c < N && k0 + k < K ? B[(k0 + k) * N + col0 + c] : 0.f;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BK; ++k) {
            const float4 b = *reinterpret_cast<const float4*>(&Bs[k][tx * 4]);
            acc[0] += b * As[k][ty * 2];
            acc[1] += b * As[k][ty * 2 + 1];
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int r = row0 + ty * 2 + i;
        const float v[4] = {acc[i].x, acc[i].y, acc[i].z, acc[i].w};
        for (int j = 0; j < 4; ++j) {
            const int c = col0 + tx * 4 + j;
            if (r < M && c < N) C[r * N + c] = fminf(fmaxf(v[j], lo), hi);
        }
    }
}
void bmm_launcher(const float* a, const float* b, float* c, int batch, int m, int n, int k, float lo, float hi) {
    constexpr int BM = 32, BN = 32, BK = 8;
    dim3 grid((n + BN - 1) / BN, (m + BM - 1) / BM, batch);
    bmm_kernel<BM, BN, BK><<<grid, (BM / 2) * (BN / 4)>>>(a, b, c, m, n, k, lo, hi);
    CUDA_CHECK(cudaGetLastError());
}
"""
ext = load_inline(name="bmmc", cpp_sources=cpp, cuda_sources=cuda, extra_cuda_cflags=["-O3", "--expt-relaxed-constexpr"])
class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.bmm_clamp(a.contiguous(), b.contiguous())
