// CUDA's qualifiers, vector types and built-in variables.
#pragma once
#include "simt/abi.h"

#define __CUDACC__ 1
#define __NVCC__ 1
#define __CUDACC_VER_MAJOR__ 12
#define __CUDACC_VER_MINOR__ 4
#define __CUDA_ARCH__ 800
#define CUDART_VERSION 12040
#define CUDA_VERSION 12040
#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __maxnreg__(...)
#define __noinline__ __attribute__((noinline))
#define __builtin_assume(...) ((void)0)
#define __align__(n) __attribute__((aligned(n)))

using uchar = unsigned char;
using ushort = unsigned short;
using uint = unsigned int;
using ulong = unsigned long;

#define SIMT_VECTORS(T, NAME, ALIGN2, ALIGN4)                                                          \
    struct NAME##1 { T x; };                                                                           \
    struct __attribute__((aligned(ALIGN2))) NAME##2 { T x, y; };                                       \
    struct NAME##3 { T x, y, z; };                                                                     \
    struct __attribute__((aligned(ALIGN4))) NAME##4 { T x, y, z, w; };                                 \
    inline NAME##1 make_##NAME##1(T x) { return {x}; }                                                 \
    inline NAME##2 make_##NAME##2(T x, T y) { return {x, y}; }                                         \
    inline NAME##3 make_##NAME##3(T x, T y, T z) { return {x, y, z}; }                                 \
    inline NAME##4 make_##NAME##4(T x, T y, T z, T w) { return {x, y, z, w}; }

SIMT_VECTORS(signed char, char, 2, 4)
SIMT_VECTORS(unsigned char, uchar, 2, 4)
SIMT_VECTORS(short, short, 4, 8)
SIMT_VECTORS(unsigned short, ushort, 4, 8)
SIMT_VECTORS(int, int, 8, 16)
SIMT_VECTORS(unsigned int, uint, 8, 16)
SIMT_VECTORS(long, long, 16, 16)
SIMT_VECTORS(unsigned long, ulong, 16, 16)
SIMT_VECTORS(long long, longlong, 16, 16)
SIMT_VECTORS(unsigned long long, ulonglong, 16, 16)
SIMT_VECTORS(float, float, 8, 16)
SIMT_VECTORS(double, double, 16, 16)
#undef SIMT_VECTORS

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    constexpr operator uint3() const { return {x, y, z}; }
};

// Constant for the compiler: one thread of a kernel sees the same values from its first line to its last, though the
// runtime rewrites them whenever it switches threads.
extern "C" {
extern const uint3 simt_thread_index, simt_block_index;
extern const dim3 simt_block_dim, simt_grid_dim;
}
struct CUstream_st;

#define threadIdx simt_thread_index
#define blockIdx simt_block_index
#define blockDim simt_block_dim
#define gridDim simt_grid_dim
constexpr int warpSize = 32;

namespace simt {

// What `kernel<<<grid, block, shared, stream>>>(arguments)` becomes. Arguments are copied once, as a launch does;
// each thread gets its own copy of the copy.
struct Launch {
    LaunchConfig config;
    Launch(const char* kernel, int line, dim3 grid, dim3 block, size_t shared_bytes = 0,
           struct CUstream_st* stream = nullptr);

    const Launch& by_pointer() {
        config.by_pointer = true;
        return *this;
    }

    template <class F, class... A>
    void operator()(F kernel, A... arguments) const {
        (check(arguments), ...);
        auto thread = [&]() SIMT_UNCHECKED { kernel(arguments...); };
        simt_launch(config, &run<decltype(thread)>, &thread);
    }

private:
    template <class T> void check(T* pointer) const { simt_argument(config, (const void*)pointer); }
    void check(long number) const { check(reinterpret_cast<const char*>(number)); }  // an address, if it is that large
    void check(long long number) const { check(static_cast<long>(number)); }
    void check(unsigned long number) const { check(static_cast<long>(number)); }
    void check(unsigned long long number) const { check(static_cast<long>(number)); }
    template <class T> void check(const T&) const {}
    template <class Thread>
    static void run(void* thread) { (*static_cast<Thread*>(thread))(); }
};

}  // namespace simt
