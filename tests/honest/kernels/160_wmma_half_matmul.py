"""A half precision product on tensor cores: wmma fragments by way of padded tiles in shared memory."""
import torch
import torch.nn as nn

CATEGORY = "matmul"


class Model(nn.Module):
    """Half precision matrix product with float accumulation."""
    def __init__(self):
        super(Model, self).__init__()

    def forward(self, A, B):
        return torch.matmul(A, B)

M = 64
K = 96
N = 80

def get_inputs():
    return [torch.randn(M, K, dtype=torch.float16), torch.randn(K, N, dtype=torch.float16)]

def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

wmma_source = r"""
#include <torch/extension.h>
#include <cuda_fp16.h>
#include <mma.h>
using namespace nvcuda;

__global__ void wmma_gemm(const half* __restrict__ A, const half* __restrict__ B, half* __restrict__ C, int M, int N, int K) {
    __shared__ half as[16][16], bs[16][16];
    __shared__ float cs[16][16];
    const int m0 = blockIdx.y * 16, n0 = blockIdx.x * 16;
    wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a_frag;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> b_frag;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> c_frag;
    wmma::fill_fragment(c_frag, 0.0f);
    for (int k0 = 0; k0 < K; k0 += 16) {
        for (int i = threadIdx.x; i < 256; i += 32) {
            const int r = i / 16, c = i % 16;
            as[r][c] = (m0 + r < M && k0 + c < K) ? A[(m0 + r) * K + k0 + c] : __float2half(0.f);
            bs[r][c] = (k0 + r < K && n0 + c < N) ? B[(k0 + r) * N + n0 + c] : __float2half(0.f);
        }
        __syncwarp();
        wmma::load_matrix_sync(a_frag, &as[0][0], 16);
        wmma::load_matrix_sync(b_frag, &bs[0][0], 16);
        wmma::mma_sync(c_frag, a_frag, b_frag, c_frag);
        __syncwarp();
    }
    wmma::store_matrix_sync(&cs[0][0], c_frag, 16, wmma::mem_row_major);
    __syncwarp();
    for (int i = threadIdx.x; i < 256; i += 32) {
        const int r = i / 16, c = i % 16;
        if (m0 + r < M && n0 + c < N) C[(m0 + r) * N + n0 + c] = __float2half(cs[r][c]);
    }
}

torch::Tensor gemm(torch::Tensor A, torch::Tensor B) {
    A = A.contiguous(); B = B.contiguous();
    const int M = A.size(0), K = A.size(1), N = B.size(1);
    auto C = torch::empty({M, N}, A.options());
    wmma_gemm<<<dim3((N + 15) / 16, (M + 15) / 16), 32>>>((const half*)A.data_ptr<at::Half>(), (const half*)B.data_ptr<at::Half>(), (half*)C.data_ptr<at::Half>(), M, N, K);
    return C;
}
"""
ext = load_inline(name="wmma_gemm_ext", cpp_sources="torch::Tensor gemm(torch::Tensor A, torch::Tensor B);", cuda_sources=wmma_source, functions=["gemm"],
                  extra_cuda_cflags=["-O3", "-arch=sm_80"])


class ModelNew(nn.Module):
    def forward(self, A, B):
        return ext.gemm(A, B)
