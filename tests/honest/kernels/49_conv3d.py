"""3D convolution over a 3D grid, a loop over output channels outside."""
import torch
import torch.nn as nn

CATEGORY = "convolution"
BATCH = 1
CIN = 2
COUT = 3
DEPTH = 8
HEIGHT = 9
WIDTH = 10


class Model(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv3d = nn.Conv3d(cin, cout, (3, 3, 2), stride=(2, 1, 1), padding=(1, 0, 1))

    def forward(self, x):
        return self.conv3d(x)


def get_inputs():
    return [torch.randn(BATCH, CIN, DEPTH, HEIGHT, WIDTH)]


def get_init_inputs():
    return [CIN, COUT]
# --- candidate ---
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <array>

struct Size3 { int d, h, w; };

__global__ void conv3d_kernel(const float* __restrict__ x, const float* __restrict__ wt, const float* __restrict__ bias,
                              float* __restrict__ y, int cin, int cout, Size3 in, Size3 k, Size3 out, Size3 stride,
                              Size3 pad) {
    const int ow = blockIdx.x * blockDim.x + threadIdx.x;
    const int oh = blockIdx.y * blockDim.y + threadIdx.y;
    const int rest = blockIdx.z;
    const int od = rest % out.d, co = (rest / out.d) % cout, b = rest / (out.d * cout);
    if (ow >= out.w || oh >= out.h) return;
    float acc = bias[co];
    for (int ci = 0; ci < cin; ++ci) {
        const float* volume = x + (size_t)(b * cin + ci) * in.d * in.h * in.w;
        const float* filter = wt + (size_t)(co * cin + ci) * k.d * k.h * k.w;
        for (int a = 0; a < k.d; ++a) {
            const int z = od * stride.d - pad.d + a;
            if (z < 0 || z >= in.d) continue;
            for (int e = 0; e < k.h; ++e) {
                const int r = oh * stride.h - pad.h + e;
                if (r < 0 || r >= in.h) continue;
                for (int f = 0; f < k.w; ++f) {
                    const int c = ow * stride.w - pad.w + f;
                    if (c < 0 || c >= in.w) continue;
                    acc += volume[(z * in.h + r) * in.w + c] * filter[(a * k.h + e) * k.w + f];
                }
            }
        }
    }
    y[(((size_t)(b * cout + co) * out.d + od) * out.h + oh) * out.w + ow] = acc;
}

static int out_size(int n, int k, int s, int p) { return (n + 2 * p - k) / s + 1; }

torch::Tensor conv3d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, std::vector<int64_t> stride,
                     std::vector<int64_t> padding) {
    Size3 in{(int)x.size(2), (int)x.size(3), (int)x.size(4)}, k{(int)w.size(2), (int)w.size(3), (int)w.size(4)};
    Size3 s{(int)stride[0], (int)stride[1], (int)stride[2]}, p{(int)padding[0], (int)padding[1], (int)padding[2]};
    Size3 out{out_size(in.d, k.d, s.d, p.d), out_size(in.h, k.h, s.h, p.h), out_size(in.w, k.w, s.w, p.w)};
    const int batch = x.size(0), cin = x.size(1), cout = w.size(0);
    auto y = torch::empty({batch, cout, out.d, out.h, out.w}, x.options());
    dim3 block(8, 8), grid((out.w + 7) / 8, (out.h + 7) / 8, batch * cout * out.d);
    conv3d_kernel<<<grid, block>>>(x.data_ptr<float>(), w.data_ptr<float>(), bias.data_ptr<float>(),
                                   y.data_ptr<float>(), cin, cout, in, k, out, s, p);
    return y;
}
"""

ext = load_inline(
    name="conv3d_direct",
    cpp_sources="""#include <vector>
torch::Tensor conv3d(torch::Tensor x, torch::Tensor w, torch::Tensor bias, std::vector<int64_t> stride,
                     std::vector<int64_t> padding);""",
    cuda_sources=cuda_source,
    functions=["conv3d"],
)


class ModelNew(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv3d = nn.Conv3d(cin, cout, (3, 3, 2), stride=(2, 1, 1), padding=(1, 0, 1))

    def forward(self, x):
        return ext.conv3d(
            x.contiguous(), self.conv3d.weight, self.conv3d.bias, self.conv3d.stride, self.conv3d.padding
        )
