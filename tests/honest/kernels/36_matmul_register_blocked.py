"""C = A B, 32 x 32 tiles, 4 x 4 results a thread in registers."""
import torch
import torch.nn as nn

CATEGORY = "matmul"
SIZE = 70


class Model(nn.Module):
    def forward(self, A, B):
        return torch.matmul(A, B)


def get_inputs():
    return [torch.randn(SIZE, SIZE), torch.randn(SIZE, SIZE)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

#define BM 32
#define BN 32
#define BK 8
#define TM 4
#define TN 4

__global__ __launch_bounds__((BM / TM) * (BN / TN)) void sgemm(const float* __restrict__ A,
                                                              const float* __restrict__ B, float* __restrict__ C,
                                                              int M, int N, int K) {
    __shared__ __align__(16) float As[BK][BM + 4];
    __shared__ __align__(16) float Bs[BK][BN];
    const int t = threadIdx.x;
    const int threads = (BM / TM) * (BN / TN);
    const int thread_row = t / (BN / TN), thread_col = t % (BN / TN);
    const int row0 = blockIdx.y * BM, col0 = blockIdx.x * BN;
    float acc[TM][TN] = {{0.0f}};
    float a[TM], b[TN];

    for (int k0 = 0; k0 < K; k0 += BK) {
        for (int i = t; i < BM * BK; i += threads) {
            const int r = i / BK, k = i % BK;
            As[k][r] = (row0 + r < M && k0 + k < K) ? A[(size_t)(row0 + r) * K + k0 + k] : 0.0f;
        }
        for (int i = t; i < BK * BN; i += threads) {
            const int k = i / BN, c = i % BN;
            Bs[k][c] = (k0 + k < K && col0 + c < N) ? B[(size_t)(k0 + k) * N + col0 + c] : 0.0f;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BK; ++k) {
#pragma unroll
            for (int i = 0; i < TM; ++i) a[i] = As[k][thread_row * TM + i];
            const float4 four = *reinterpret_cast<const float4*>(&Bs[k][thread_col * TN]);
            b[0] = four.x;
            b[1] = four.y;
            b[2] = four.z;
            b[3] = four.w;
#pragma unroll
            for (int i = 0; i < TM; ++i)
#pragma unroll
                for (int j = 0; j < TN; ++j) acc[i][j] += a[i] * b[j];
        }
        __syncthreads();
    }
    for (int i = 0; i < TM; ++i) {
        const int r = row0 + thread_row * TM + i;
        if (r >= M) break;
        for (int j = 0; j < TN; ++j) {
            const int c = col0 + thread_col * TN + j;
            if (c < N) C[(size_t)r * N + c] = acc[i][j];
        }
    }
}

torch::Tensor gemm(torch::Tensor A, torch::Tensor B) {
    const int M = A.size(0), K = A.size(1), N = B.size(1);
    auto C = torch::empty({M, N}, A.options());
    dim3 grid((N + BN - 1) / BN, (M + BM - 1) / BM);
    sgemm<<<grid, (BM / TM) * (BN / TN)>>>(A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), M, N, K);
    return C;
}
"""

ext = load_inline(
    name="sgemm_registers",
    cpp_sources="torch::Tensor gemm(torch::Tensor A, torch::Tensor B);",
    cuda_sources=cuda_source,
    functions=["gemm"],
)


class ModelNew(nn.Module):
    def forward(self, A, B):
        return ext.gemm(A.contiguous(), B.contiguous())
