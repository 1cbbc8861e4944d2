"""Hinge loss: mean of max(0, 1 - p t), float atomicAdd of block sums already divided."""
import torch
import torch.nn as nn

CATEGORY = "loss"
BATCH = 1000


class Model(nn.Module):
    def forward(self, predictions, targets):
        return torch.mean(torch.clamp(1 - predictions * targets, min=0))


def get_inputs():
    return [torch.randn(BATCH, 1), torch.randint(0, 2, (BATCH, 1)).float() * 2 - 1]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void hinge_kernel(const float* p, const float* t, float* out, int n, float inverse_n) {
    extern __shared__ float sdata[];
    unsigned int tid = threadIdx.x;
    unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    float v = 0.0f;
    if (i < n) v = fmaxf(0.0f, 1.0f - p[i] * t[i]);
    sdata[tid] = v;
    __syncthreads();
    for (unsigned int s = blockDim.x / 2; s > 0; s >>= 1) {
        if (tid < s) {
            sdata[tid] += sdata[tid + s];
        }
        __syncthreads();
    }
    if (tid == 0) atomicAdd(out, sdata[0] * inverse_n);
}

torch::Tensor hinge_loss_cuda(torch::Tensor predictions, torch::Tensor targets) {
    auto output = torch::zeros({}, predictions.options());
    int n = predictions.numel();
    int threads = 256;
    int blocks = (n + threads - 1) / threads;
    hinge_kernel<<<blocks, threads, threads * sizeof(float)>>>(
        predictions.data_ptr<float>(), targets.data_ptr<float>(), output.data_ptr<float>(), n, 1.0f / n);
    return output;
}
"""

hinge = load_inline(
    name="hinge_loss",
    cpp_sources="torch::Tensor hinge_loss_cuda(torch::Tensor predictions, torch::Tensor targets);",
    cuda_sources=cuda_source,
    functions=["hinge_loss_cuda"],
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.hinge = hinge

    def forward(self, predictions, targets):
        return self.hinge.hinge_loss_cuda(predictions.contiguous(), targets.contiguous())
