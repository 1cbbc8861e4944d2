// CUDA's __half and __nv_bfloat16: types, operators and conversions are those of NVIDIA's own headers, read as a host
// compiler reads them; what they declare for device code alone is supplied here, in float and rounded once.
#pragma once
#include "simt/types.h"

// Their vector types are ours, and __CUDACC__ would select the PTX.
#define __VECTOR_TYPES_H__
#define __VECTOR_FUNCTIONS_H__
#pragma push_macro("__CUDACC__")
#pragma push_macro("__NVCC__")
#pragma push_macro("__CUDA_ARCH__")
#undef __CUDACC__
#undef __NVCC__
#undef __CUDA_ARCH__
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#pragma pop_macro("__CUDACC__")
#pragma pop_macro("__NVCC__")
#pragma pop_macro("__CUDA_ARCH__")

#define SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, NAME, VALUE)                              \
    inline T h##NAME(T a) {                                                                \
        const float x = TO(a);                                                             \
        return FROM(VALUE);                                                                \
    }                                                                                      \
    inline T2 h2##NAME(T2 a) { return JOIN(h##NAME(a.x), h##NAME(a.y)); }
#define SIMT_16_BIT_TO_INTEGER(T, TO, PREFIX, N, I, LOW, HIGH)                             \
    inline I PREFIX##2##N##_rn(T a) { return (I)simt::saturated(__builtin_rint(TO(a)), LOW, HIGH); }  \
    inline I PREFIX##2##N##_rd(T a) { return (I)simt::saturated(__builtin_floor(TO(a)), LOW, HIGH); } \
    inline I PREFIX##2##N##_ru(T a) { return (I)simt::saturated(__builtin_ceil(TO(a)), LOW, HIGH); }

namespace simt {
// Within the range of a 16-bit float every bound but the 32-bit ones is exact as a double.
inline double saturated(double x, double low, double high) { return x != x ? 0 : x < low ? low : x > high ? high : x; }
}  // namespace simt

// The product of two is exact as a double, and so is nearly every sum with a third: one rounding, as fma has.
#define SIMT_16_BIT_FUNCTIONS(T, T2, TO, FROM, FROM_DOUBLE, JOIN, PREFIX)                         \
    inline T __hfma(T a, T b, T c) { return FROM_DOUBLE(double(TO(a)) * TO(b) + TO(c)); }         \
    inline T __hfma_sat(T a, T b, T c) {                                                          \
        const float x = TO(__hfma(a, b, c));                                                      \
        return FROM(x > 0.f ? (x < 1.f ? x : 1.f) : 0.f);                                         \
    }                                                                                             \
    inline T __hfma_relu(T a, T b, T c) {                                                         \
        const T x = __hfma(a, b, c);                                                              \
        return TO(x) < 0.f ? FROM(0.f) : x;                                                       \
    }                                                                                             \
    inline T2 __hfma2(T2 a, T2 b, T2 c) { return JOIN(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)); } \
    inline T2 __hfma2_sat(T2 a, T2 b, T2 c) {                                                     \
        return JOIN(__hfma_sat(a.x, b.x, c.x), __hfma_sat(a.y, b.y, c.y));                        \
    }                                                                                             \
    inline T2 __hfma2_relu(T2 a, T2 b, T2 c) {                                                    \
        return JOIN(__hfma_relu(a.x, b.x, c.x), __hfma_relu(a.y, b.y, c.y));                      \
    }                                                                                             \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, exp, __builtin_expf(x))                              \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, exp2, __builtin_exp2f(x))                            \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, exp10, __builtin_powf(10.f, x))                      \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, log, __builtin_logf(x))                              \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, log2, __builtin_log2f(x))                            \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, log10, __builtin_log10f(x))                          \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, sqrt, __builtin_sqrtf(x))                            \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, rsqrt, 1.f / __builtin_sqrtf(x))                     \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, rcp, 1.f / x)                                        \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, sin, __builtin_sinf(x))                              \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, cos, __builtin_cosf(x))                              \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, tanh, __builtin_tanhf(x))                            \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, tanh_approx, __builtin_tanhf(x))                     \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, ceil, __builtin_ceilf(x))                            \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, floor, __builtin_floorf(x))                          \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, rint, __builtin_rintf(x))                            \
    SIMT_16_BIT_UNARY(T, T2, TO, FROM, JOIN, trunc, __builtin_truncf(x))                          \
    SIMT_16_BIT_TO_INTEGER(T, TO, PREFIX, short, short, INT16_MIN, INT16_MAX)                     \
    SIMT_16_BIT_TO_INTEGER(T, TO, PREFIX, ushort, unsigned short, 0, UINT16_MAX)                  \
    SIMT_16_BIT_TO_INTEGER(T, TO, PREFIX, int, int, INT32_MIN, INT32_MAX)                         \
    SIMT_16_BIT_TO_INTEGER(T, TO, PREFIX, uint, unsigned, 0, UINT32_MAX)                          \
    inline T atomicAdd(T* address, T value) {                                                     \
        const simt::AtomicScope scope;                                                            \
        const T old = *address;                                                                   \
        *address = __hadd(old, value);                                                            \
        return old;                                                                               \
    }                                                                                             \
    inline T2 atomicAdd(T2* address, T2 value) {                                                  \
        const simt::AtomicScope scope;                                                            \
        const T2 old = *address;                                                                  \
        *address = __hadd2(old, value);                                                           \
        return old;                                                                               \
    }
SIMT_16_BIT_FUNCTIONS(__half, __half2, __half2float, __float2half_rn, __double2half, __halves2half2, __half)
SIMT_16_BIT_FUNCTIONS(__nv_bfloat16, __nv_bfloat162, __bfloat162float, __float2bfloat16_rn, __double2bfloat16,
                      __halves2bfloat162, __bfloat16)
#undef SIMT_16_BIT_FUNCTIONS
#undef SIMT_16_BIT_UNARY
#undef SIMT_16_BIT_TO_INTEGER
