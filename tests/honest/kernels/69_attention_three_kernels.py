"""Scaled dot product attention in three kernels over a workspace: scores, softmax, weighted sum."""
import torch
import torch.nn as nn

CATEGORY = "attention"
BATCH = 2
HEADS = 3
LENGTH = 18
DIM = 16


class Model(nn.Module):
    def forward(self, q, k, v):
        scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
        return torch.softmax(scores, dim=-1) @ v


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
#include <ATen/cuda/CUDAContext.h>

__global__ void scores_kernel(const float* q, const float* k, float* s, int lq, int lk, int dim, float scale) {
    const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
    const size_t head = blockIdx.z;
    if (i >= lq || j >= lk) return;
    float acc = 0.f;
    for (int d = 0; d < dim; ++d) acc += q[(head * lq + i) * dim + d] * k[(head * lk + j) * dim + d];
    s[(head * lq + i) * lk + j] = acc * scale;
}

__global__ void softmax_kernel(float* s, int rows, int cols) {
    const int row = blockIdx.x * blockDim.y + threadIdx.y;
    if (row >= rows) return;
    float* p = s + (size_t)row * cols;
    float top = -INFINITY, sum = 0.f;
    for (int c = threadIdx.x; c < cols; c += 32) top = fmaxf(top, p[c]);
    for (int o = 16; o > 0; o >>= 1) top = fmaxf(top, __shfl_xor_sync(0xffffffff, top, o));
    for (int c = threadIdx.x; c < cols; c += 32) {
        p[c] = expf(p[c] - top);
        sum += p[c];
    }
    for (int o = 16; o > 0; o >>= 1) sum += __shfl_xor_sync(0xffffffff, sum, o);
    for (int c = threadIdx.x; c < cols; c += 32) p[c] /= sum;
}

__global__ void values_kernel(const float* s, const float* v, float* out, int lq, int lk, int dim) {
    const int d = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
    const size_t head = blockIdx.z;
    if (i >= lq || d >= dim) return;
    float acc = 0.f;
    for (int j = 0; j < lk; ++j) acc += s[(head * lq + i) * lk + j] * v[(head * lk + j) * dim + d];
    out[(head * lq + i) * dim + d] = acc;
}

torch::Tensor attention(torch::Tensor q, torch::Tensor k, torch::Tensor v) {
    const int heads = q.size(0) * q.size(1), lq = q.size(2), lk = k.size(2), dim = q.size(3);
    auto s = torch::empty({heads, lq, lk}, q.options());
    auto out = torch::empty_like(q);
    cudaStream_t stream = at::cuda::getCurrentCUDAStream();
    dim3 block(16, 8);
    scores_kernel<<<dim3((lk + 15) / 16, (lq + 7) / 8, heads), block, 0, stream>>>(
        q.data_ptr<float>(), k.data_ptr<float>(), s.data_ptr<float>(), lq, lk, dim, 1.f / sqrtf((float)dim));
    softmax_kernel<<<(heads * lq + 3) / 4, dim3(32, 4), 0, stream>>>(s.data_ptr<float>(), heads * lq, lk);
    values_kernel<<<dim3((dim + 15) / 16, (lq + 7) / 8, heads), block, 0, stream>>>(
        s.data_ptr<float>(), v.data_ptr<float>(), out.data_ptr<float>(), lq, lk, dim);
    return out;
}
"""

ext = load_inline(
    name="attention_three",
    cpp_sources="torch::Tensor attention(torch::Tensor q, torch::Tensor k, torch::Tensor v);",
    cuda_sources=cuda_source,
    functions=["attention"],
)


class ModelNew(nn.Module):
    def forward(self, q, k, v):
        return ext.attention(q.contiguous(), k.contiguous(), v.contiguous())
