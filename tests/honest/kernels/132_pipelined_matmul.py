"""Matmul in two stages of __pipeline_memcpy_async, zeros filled in beyond the edges."""
import torch
import torch.nn as nn

CATEGORY = "matmul"


class Model(nn.Module):
    def forward(self, A, B):
        return A @ B
M = 70
K = 100
N = 50


def get_inputs():
    return [torch.rand(M, K), torch.rand(K, N)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline
src = r"""
#include <torch/extension.h>
#include <cuda_pipeline.h>
#define TILE 16
#define STAGES 2

__device__ __forceinline__ void fetch(float* dst, const float* src, bool valid) {
    // zfill: nothing is read when out of range, the destination is zeroed
    __pipeline_memcpy_async(dst, src, sizeof(float), valid ? 0 : sizeof(float));
}

__global__ void matmul_pipelined(const float* __restrict__ A, const float* __restrict__ B, float* __restrict__ C, int M, int N, int K) {
    __shared__ float As[STAGES][TILE][TILE];
    __shared__ float Bs[STAGES][TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int row = blockIdx.y * TILE + ty, col = blockIdx.x * TILE + tx;
    const int tiles = (K + TILE - 1) / TILE;
    auto issue = [&](int t) {
        const int ka = t * TILE + tx, kb = t * TILE + ty;
        const bool va = row < M && ka < K, vb = kb < K && col < N;
        fetch(&As[t % STAGES][ty][tx], va ? A + (size_t)row * K + ka : A, va);
        fetch(&Bs[t % STAGES][ty][tx], vb ? B + (size_t)kb * N + col : B, vb);
        __pipeline_commit();
    };
    issue(0);
    float acc = 0.f;
    for (int t = 0; t < tiles; ++t) {
        if (t + 1 < tiles) { issue(t + 1); __pipeline_wait_prior(1); }
        else __pipeline_wait_prior(0);
        __syncthreads();
        #pragma unroll
        for (int k = 0; k < TILE; ++k) acc += As[t % STAGES][ty][k] * Bs[t % STAGES][k][tx];
        __syncthreads();
    }
    if (row < M && col < N) C[(size_t)row * N + col] = acc;
}

torch::Tensor matmul(torch::Tensor A, torch::Tensor B) {
    const int M = A.size(0), K = A.size(1), N = B.size(1);
    auto C = torch::empty({M, N}, A.options());
    matmul_pipelined<<<dim3((N + TILE - 1) / TILE, (M + TILE - 1) / TILE), dim3(TILE, TILE)>>>(A.data_ptr<float>(), B.data_ptr<float>(), C.data_ptr<float>(), M, N, K);
    return C;
}
"""
ext = load_inline(name="pipe_mm", cpp_sources="torch::Tensor matmul(torch::Tensor A, torch::Tensor B);", cuda_sources=src, functions=["matmul"])
class ModelNew(nn.Module):
    def forward(self, A, B):
        return ext.matmul(A.contiguous(), B.contiguous())
