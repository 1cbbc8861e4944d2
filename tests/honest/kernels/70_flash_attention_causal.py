"""Causal attention without the score matrix: tiles of keys and values in shared memory, online softmax."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CATEGORY = "attention"
BATCH = 1
HEADS = 2
LENGTH = 40
DIM = 24


class Model(nn.Module):
    def forward(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def get_inputs():
    return [torch.randn(BATCH, HEADS, LENGTH, DIM) for _ in range(3)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

constexpr int BLOCK = 16;   // queries a block, keys a tile
constexpr int MAX_DIM = 64;

__global__ void flash_kernel(const float* __restrict__ Q, const float* __restrict__ K, const float* __restrict__ V,
                             float* __restrict__ O, int length, int dim, float scale) {
    extern __shared__ float smem[];
    float* ks = smem;
    float* vs = smem + BLOCK * dim;
    const size_t base = (size_t)blockIdx.y * length * dim;
    const int row = blockIdx.x * BLOCK + threadIdx.x;
    float q[MAX_DIM], acc[MAX_DIM];
    for (int d = 0; d < dim; ++d) {
        q[d] = row < length ? Q[base + (size_t)row * dim + d] * scale : 0.f;
        acc[d] = 0.f;
    }
    float m = -INFINITY, l = 0.f;
    const int last_row = min(blockIdx.x * BLOCK + BLOCK - 1, length - 1);
    for (int start = 0; start <= last_row; start += BLOCK) {
        for (int i = threadIdx.x; i < BLOCK * dim; i += BLOCK) {
            const bool inside = start + i / dim < length;
            ks[i] = inside ? K[base + (size_t)start * dim + i] : 0.f;
            vs[i] = inside ? V[base + (size_t)start * dim + i] : 0.f;
        }
        __syncthreads();
        for (int j = 0; j < BLOCK; ++j) {
            const int key = start + j;
            if (key > row || key >= length) break;
            float s = 0.f;
            for (int d = 0; d < dim; ++d) s += q[d] * ks[j * dim + d];
            const float m_new = fmaxf(m, s);
            const float correction = expf(m - m_new), p = expf(s - m_new);
            l = l * correction + p;
            for (int d = 0; d < dim; ++d) acc[d] = acc[d] * correction + p * vs[j * dim + d];
            m = m_new;
        }
        __syncthreads();
    }
    if (row < length)
        for (int d = 0; d < dim; ++d) O[base + (size_t)row * dim + d] = acc[d] / l;
}

torch::Tensor flash_attention(torch::Tensor q, torch::Tensor k, torch::Tensor v) {
    const int length = q.size(2), dim = q.size(3);
    TORCH_CHECK(dim <= MAX_DIM, "head dimension up to ", MAX_DIM, " expected, got ", dim);
    auto out = torch::empty_like(q);
    dim3 grid((length + BLOCK - 1) / BLOCK, q.size(0) * q.size(1));
    const size_t shared = 2 * BLOCK * dim * sizeof(float);
    flash_kernel<<<grid, BLOCK, shared>>>(q.data_ptr<float>(), k.data_ptr<float>(), v.data_ptr<float>(),
                                          out.data_ptr<float>(), length, dim, 1.0f / std::sqrt((float)dim));
    return out;
}
"""

ext = load_inline(
    name="flash_attention",
    cpp_sources="torch::Tensor flash_attention(torch::Tensor q, torch::Tensor k, torch::Tensor v);",
    cuda_sources=cuda_source,
    functions=["flash_attention"],
)


class ModelNew(nn.Module):
    def forward(self, q, k, v):
        return ext.flash_attention(q.contiguous(), k.contiguous(), v.contiguous())
