"""What the threads of a block or a warp do together: cub's collectives, and matrix fragments."""

import torch

from tests.judge.simt.example import example

COLLECTIVES = r"""
#include <cub/cub.cuh>
struct Longest { template <class T> __device__ T operator()(T a, T b) const { return fabsf(a) < fabsf(b) ? b : a; } };
struct Before { float total; __device__ float operator()(float block) { float was = total; total += block; return was; } };
constexpr int T = 80, N = 2;
__global__ void k(const float* x, float* reduced, float* scanned, int cols) {
    using Reduce = cub::BlockReduce<float, T>;
    using Scan = cub::BlockScan<float, T, cub::BLOCK_SCAN_WARP_SCANS>;
    using Pair = cub::KeyValuePair<int, float>;
    using Pairs = cub::BlockReduce<Pair, T>;
    __shared__ union { Reduce::TempStorage reduce; Scan::TempStorage scan; Pairs::TempStorage pairs; } shared;
    __shared__ cub::WarpReduce<float, 16>::TempStorage warp;
    const float* row = x + blockIdx.x * cols;
    float items[N] = {row[N * threadIdx.x], row[N * threadIdx.x + 1]};
    const float v = row[threadIdx.x];
    float found[6];
    found[0] = Reduce(shared.reduce).Sum(items);
    __syncthreads();
    found[1] = Reduce(shared.reduce).Sum(v, 50);
    __syncthreads();
    found[2] = Reduce(shared.reduce).Reduce(v, Longest());
    __syncthreads();
    found[3] = Pairs(shared.pairs).Reduce(Pair(threadIdx.x, v), cub::ArgMax()).key;
    __syncthreads();
    found[4] = Reduce(shared.reduce).Reduce(items, cub::Min());
    const float sum16 = cub::WarpReduce<float, 16>(warp).Sum(v);
    if (threadIdx.x % 16 == 0) reduced[blockIdx.x * 10 + 5 + threadIdx.x / 16] = sum16;
    if (threadIdx.x == 0)
        for (int i = 0; i < 5; ++i) reduced[blockIdx.x * 10 + i] = found[i];
    float* out = scanned + blockIdx.x * 6 * T + threadIdx.x;
    float total, first, second, warps, pairs[N];
    __syncthreads();
    Scan(shared.scan).InclusiveSum(v, first, total);
    out[0] = first; out[T] = total;
    __syncthreads();
    Scan(shared.scan).ExclusiveScan(v, second, -1.0f, cub::Max());
    out[2 * T] = second;
    Before before{10.0f};
    for (int round = 0; round < 2; ++round) {
        __syncthreads();
        Scan(shared.scan).ExclusiveSum(items, pairs, before);
    }
    out[3 * T] = pairs[0]; out[4 * T] = pairs[1];
    __shared__ cub::WarpScan<float>::TempStorage lanes[3];
    cub::WarpScan<float>(lanes[threadIdx.x / 32]).ExclusiveSum(v, warps);
    out[5 * T] = warps;
}
std::vector<torch::Tensor> f(torch::Tensor x) {
    const int rows = x.size(0);
    auto reduced = torch::empty({rows, 10}, x.options()), scanned = torch::empty({rows, 6, T}, x.options());
    k<<<rows, T>>>(x.data_ptr<float>(), reduced.data_ptr<float>(), scanned.data_ptr<float>(), x.size(1));
    return {reduced, scanned};
}
"""


def _collectives(x: torch.Tensor) -> list[torch.Tensor]:
    rows, v = len(x), x[:, :80]
    longest = v.gather(1, v.abs().argmax(1, keepdim=True)).view(rows)
    reduced = [x.sum(1), v[:, :50].sum(1), longest, v.argmax(1).float(), x.amin(1)]
    exclusive = 10 + x.sum(1, keepdim=True) + x.cumsum(1) - x
    most = torch.cat([torch.full((rows, 1), -1.0), v.cummax(1).values[:, :-1]], 1).clamp(min=-1)
    warps = torch.cat([part.cumsum(1) - part for part in v.split(32, 1)], 1)
    scans = [v.cumsum(1), v.sum(1, keepdim=True).expand(-1, 80), most, exclusive[:, ::2], exclusive[:, 1::2], warps]
    return [torch.cat([torch.stack(reduced, 1), v.view(rows, 5, 16).sum(2)], 1), torch.stack(scans, 1)]


FRAGMENTS = r"""
#include <mma.h>
#include <cuda_fp16.h>
#include <cuda_bf16.h>
using namespace nvcuda;

template <int M, int N, int K, class T, class Sum, class LayoutA, class LayoutB, class E>
__device__ void multiply(const E* a, int stride_a, const E* b, int stride_b, Sum* c, wmma::layout_t layout, Sum one) {
    wmma::fragment<wmma::matrix_a, M, N, K, T, LayoutA> left;
    wmma::fragment<wmma::matrix_b, M, N, K, T, LayoutB> right;
    wmma::fragment<wmma::accumulator, M, N, K, Sum> sum;
    wmma::fill_fragment(sum, one);
    for (int k = 0; k < 2; ++k) {
        wmma::load_matrix_sync(left, a, stride_a);
        wmma::load_matrix_sync(right, b, stride_b);
        wmma::mma_sync(sum, left, right, sum);
    }
    wmma::store_matrix_sync(c, sum, layout == wmma::mem_row_major ? N : M, layout);
}
__global__ void k(const half* a, const half* b, const float* fa, const float* fb, const int8_t* ia, const int8_t* ib, float* c, half* hc, float* fc, int* ic) {
    using wmma::row_major; using wmma::col_major;
    multiply<32, 8, 16, half, float, row_major, col_major>(a, 16, b, 16, c, wmma::mem_row_major, 1.0f);
    multiply<8, 32, 16, half, half, col_major, row_major>(b, 8, a, 32, hc, wmma::mem_col_major, __float2half(1.0f));
    multiply<16, 16, 8, wmma::precision::tf32, float, row_major, row_major>(fa, 8, fb, 16, fc, wmma::mem_row_major, 1.0f);
    multiply<16, 16, 16, signed char, int, row_major, col_major>(ia, 16, ib, 16, ic, wmma::mem_row_major, 1);
}
std::vector<torch::Tensor> f(torch::Tensor a, torch::Tensor b, torch::Tensor fa, torch::Tensor fb, torch::Tensor ia, torch::Tensor ib) {
    auto c = torch::empty({32, 8}, fa.options()), hc = torch::empty({32, 8}, a.options());
    auto fc = torch::empty({16, 16}, fa.options()), ic = torch::empty({16, 16}, fa.options().dtype(torch::kInt));
    k<<<1, 32>>>((half*)a.data_ptr<at::Half>(), (half*)b.data_ptr<at::Half>(), fa.data_ptr<float>(), fb.data_ptr<float>(),
                 ia.data_ptr<int8_t>(), ib.data_ptr<int8_t>(), c.data_ptr<float>(), (half*)hc.data_ptr<at::Half>(),
                 fc.data_ptr<float>(), ic.data_ptr<int>());
    return {c, hc, fc, ic};
}
"""


def _matrices() -> tuple[torch.Tensor, ...]:
    halves = torch.randint(-4, 5, (32, 16)).half(), torch.randint(-4, 5, (8, 16)).half()
    floats = torch.randint(-900, 900, (16, 8)).float(), torch.randint(-9, 9, (8, 16)).float()
    return (*halves, *floats, *torch.randint(-128, 128, (2, 16, 16)).to(torch.int8))


def _fragments(a: torch.Tensor, b: torch.Tensor, *others: torch.Tensor) -> list[torch.Tensor]:
    fa, fb, ia, ib = others
    half = 1 + 2 * b.reshape(16, 8).T.float() @ a.reshape(16, 32).float()
    return [1 + 2 * a.float() @ b.float().T, half.T.half(), 1 + 2 * fa @ fb, 1 + 2 * ia.int() @ ib.int().T]


EXAMPLES = {
    "collectives of cub's": example(
        COLLECTIVES,
        "std::vector<torch::Tensor> f(torch::Tensor x)",
        lambda: (torch.randperm(480).view(3, 160).float() - 240,),
        _collectives,
    ),
    "matrix fragments": example(
        FRAGMENTS,
        "std::vector<torch::Tensor> f(torch::Tensor a, torch::Tensor b, torch::Tensor fa, torch::Tensor fb, torch::Tensor ia, torch::Tensor ib)",
        _matrices,
        _fragments,
    ),
}
