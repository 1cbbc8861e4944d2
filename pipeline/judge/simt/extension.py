"""An extension of our own, as candidates have them: run once before they are forked, see ``warming``."""

CPP = "torch::Tensor warming(torch::Tensor x);"
CUDA = """
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void warming_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = expf(x[i]) / (1.0f + fabsf(x[i]));
}

torch::Tensor warming(torch::Tensor x) {
    TORCH_CHECK(x.is_cuda(), "x must be a CUDA tensor");
    auto y = torch::empty_like(x);
    int n = x.numel();
    warming_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""
FUNCTIONS = ("warming",)
