"""Two independent halves on two streams from the pool, joined by events."""
import torch
import torch.nn as nn

CATEGORY = "elementwise"
ROWS = 16
COLS = 55


class Model(nn.Module):
    def forward(self, x, y):
        return {"sin": torch.sin(x), "product": x * y}


def get_inputs():
    return [torch.randn(ROWS, COLS), torch.randn(ROWS, COLS)]


def get_init_inputs():
    return []
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAGuard.h>
#include <vector>

__global__ void sin_kernel(const float* x, float* out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = sinf(x[i]);
}

__global__ void product_kernel(const float* x, const float* y, float* out, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = x[i] * y[i];
}

std::vector<torch::Tensor> sin_and_product(torch::Tensor x, torch::Tensor y) {
    c10::cuda::CUDAGuard guard(x.device());
    auto a = torch::empty_like(x), b = torch::empty_like(x);
    const int n = x.numel(), blocks = (n + 255) / 256;
    cudaStream_t main = at::cuda::getCurrentCUDAStream().stream();
    cudaStream_t side;
    cudaEvent_t ready, done;
    C10_CUDA_CHECK(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
    C10_CUDA_CHECK(cudaEventCreateWithFlags(&ready, cudaEventDisableTiming));
    C10_CUDA_CHECK(cudaEventCreateWithFlags(&done, cudaEventDisableTiming));
    C10_CUDA_CHECK(cudaEventRecord(ready, main));
    C10_CUDA_CHECK(cudaStreamWaitEvent(side, ready, 0));
    sin_kernel<<<blocks, 256, 0, main>>>(x.data_ptr<float>(), a.data_ptr<float>(), n);
    product_kernel<<<blocks, 256, 0, side>>>(x.data_ptr<float>(), y.data_ptr<float>(), b.data_ptr<float>(), n);
    C10_CUDA_CHECK(cudaEventRecord(done, side));
    C10_CUDA_CHECK(cudaStreamWaitEvent(main, done, 0));
    C10_CUDA_CHECK(cudaEventDestroy(ready));
    C10_CUDA_CHECK(cudaEventDestroy(done));
    C10_CUDA_CHECK(cudaStreamDestroy(side));
    return {a, b};
}
"""

ext = load_inline(
    name="sin_and_product",
    cpp_sources="#include <vector>\nstd::vector<torch::Tensor> sin_and_product(torch::Tensor x, torch::Tensor y);",
    cuda_sources=cuda_source,
    functions=["sin_and_product"],
)


class ModelNew(nn.Module):
    def forward(self, x, y):
        sin, product = ext.sin_and_product(x.contiguous(), y.contiguous())
        return {"sin": sin, "product": product}
