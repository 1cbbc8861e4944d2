import torch
from torch import nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void elman_kernel(const float* wx, const float* R, const float* bias, float* out, int T, int N, int D) {
    extern __shared__ float h[];
    int n = blockIdx.x % N, b = blockIdx.x / N, e = threadIdx.x;
    h[e] = 0.0f;
    for (int t = 0; t < T; ++t) {
        __syncthreads();
        size_t at = (((size_t)b * T + t) * N + n) * D + e;
        float sum = wx[at] + bias[n * D + e];
        for (int d = 0; d < D; ++d) sum += h[d] * R[((size_t)n * D + d) * D + e];
        float next = tanhf(sum);
        __syncthreads();
        h[e] = next;
        out[at] = next;
    }
}

torch::Tensor elman(torch::Tensor wx, torch::Tensor R, torch::Tensor bias) {
    auto x = wx.contiguous();
    auto out = torch::empty_like(x);
    int B = x.size(0), T = x.size(1), N = x.size(2), D = x.size(3);
    elman_kernel<<<B * N, D, D * sizeof(float)>>>(x.data_ptr<float>(), R.data_ptr<float>(), bias.data_ptr<float>(),
                                                  out.data_ptr<float>(), T, N, D);
    return out;
}
"""
ext = load_inline(
    name="elman_cell",
    cpp_sources="torch::Tensor elman(torch::Tensor wx, torch::Tensor R, torch::Tensor bias);",
    cuda_sources=cuda_source,
    functions=["elman"],
)


class ModelNew(nn.Module):
    def __init__(self, heads, dim):
        super().__init__()
        self.recurrent = nn.Parameter(torch.randn(heads, dim, dim) * 0.7 * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(heads, dim) * 0.5)

    def forward(self, wx):
        return ext.elman(wx, self.recurrent, self.bias)
