import torch
from torch import nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>

__global__ void slstm_kernel(const float* wx, const float* R, const float* bias, float* out, int T, int N, int D) {
    extern __shared__ float h[];
    int head = blockIdx.x % N, b = blockIdx.x / N, e = threadIdx.x;
    float c = 0.0f, n = 0.0f, m = -1e30f;
    h[e] = 0.0f;
    for (int t = 0; t < T; ++t) {
        __syncthreads();
        float raw[4];
        for (int g = 0; g < 4; ++g) {
            float sum = wx[((((size_t)b * T + t) * 4 + g) * N + head) * D + e] + bias[(g * N + head) * D + e];
            const float* column = R + ((size_t)g * N + head) * D * D + e;
            for (int d = 0; d < D; ++d) sum += h[d] * column[(size_t)d * D];
            raw[g] = sum;
        }
        float f = raw[1];
        float kept = m + fminf(f, 0.0f) - log1pf(expf(-fabsf(f)));
        m = fmaxf(raw[0], kept);
        float keep = expf(kept - m), add = expf(raw[0] - m);
        c = keep * c + add * tanhf(raw[2]);
        n = keep * n + add;
        float next = c / (n * (1.0f + expf(-raw[3])));
        __syncthreads();
        h[e] = next;
        out[(((size_t)b * T + t) * N + head) * D + e] = next;
    }
}

torch::Tensor slstm(torch::Tensor wx, torch::Tensor R, torch::Tensor bias) {
    auto x = wx.contiguous();
    int B = x.size(0), T = x.size(1), N = x.size(3), D = x.size(4);
    auto out = torch::empty({B, T, N, D}, x.options());
    slstm_kernel<<<B * N, D, D * sizeof(float)>>>(x.data_ptr<float>(), R.data_ptr<float>(), bias.data_ptr<float>(),
                                                  out.data_ptr<float>(), T, N, D);
    return out;
}
"""
ext = load_inline(
    name="slstm_cell",
    cpp_sources="torch::Tensor slstm(torch::Tensor wx, torch::Tensor R, torch::Tensor bias);",
    cuda_sources=cuda_source,
    functions=["slstm"],
)


class ModelNew(nn.Module):
    def __init__(self, heads, dim):
        super().__init__()
        self.recurrent = nn.Parameter(torch.randn(4, heads, dim, dim) * 0.5 * dim**-0.5)
        self.bias = nn.Parameter(torch.randn(4, heads, dim) * 0.5)

    def forward(self, wx):
        return ext.slstm(wx, self.recurrent, self.bias)
