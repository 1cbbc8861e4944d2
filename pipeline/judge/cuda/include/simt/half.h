// c10::Half and c10::BFloat16 for host and device code: 16 bits in memory, float in arithmetic, as torch's own are.
// The operators are torch's (c10/util/Half-inl.h): with another number, a float's type wins and an integer becomes one
// of ours.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

namespace c10 {

#define SIMT_BOTH __host__ __device__ __forceinline__
#define SIMT_ARITHMETIC(NAME, OP)                                                                          \
    SIMT_BOTH NAME operator OP(NAME a, NAME b) { return float(a) OP float(b); }                            \
    SIMT_BOTH float operator OP(NAME a, float b) { return float(a) OP b; }                                 \
    SIMT_BOTH float operator OP(float a, NAME b) { return a OP float(b); }                                 \
    SIMT_BOTH double operator OP(NAME a, double b) { return double(float(a)) OP b; }                       \
    SIMT_BOTH double operator OP(double a, NAME b) { return a OP double(float(b)); }                       \
    SIMT_BOTH NAME operator OP(NAME a, int b) { return a OP NAME(float(b)); }                              \
    SIMT_BOTH NAME operator OP(int a, NAME b) { return NAME(float(a)) OP b; }                              \
    SIMT_BOTH NAME operator OP(NAME a, int64_t b) { return a OP NAME(float(b)); }                          \
    SIMT_BOTH NAME operator OP(int64_t a, NAME b) { return NAME(float(a)) OP b; }
#define SIMT_ASSIGNING(NAME, OP)                                                                           \
    SIMT_BOTH NAME& operator OP##=(NAME& a, NAME b) { return a = a OP b; }                                 \
    SIMT_BOTH float& operator OP##=(float& a, NAME b) { return a = a OP float(b); }
#define SIMT_16_BITS(NAME, NATIVE, FROM, TO, EXPLICIT)                                                               \
    struct alignas(2) NAME {                                                                               \
        unsigned short x;                                                                                  \
        struct from_bits_t {};                                                                             \
        static constexpr __host__ __device__ from_bits_t from_bits() { return {}; }                        \
        NAME() = default;                                                                                  \
        constexpr __host__ __device__ NAME(unsigned short bits, from_bits_t) : x(bits) {}                  \
        SIMT_BOTH NAME(float value) : NAME(FROM(value)) {}                                                 \
        SIMT_BOTH NAME(const NATIVE& value) { *reinterpret_cast<NATIVE*>(&x) = value; }                    \
        SIMT_BOTH operator float() const { return TO(*reinterpret_cast<const NATIVE*>(&x)); }              \
        SIMT_BOTH EXPLICIT operator NATIVE() const { return *reinterpret_cast<const NATIVE*>(&x); }                 \
    };                                                                                                     \
    SIMT_ARITHMETIC(NAME, +) SIMT_ARITHMETIC(NAME, -) SIMT_ARITHMETIC(NAME, *) SIMT_ARITHMETIC(NAME, /)    \
    SIMT_ASSIGNING(NAME, +) SIMT_ASSIGNING(NAME, -) SIMT_ASSIGNING(NAME, *) SIMT_ASSIGNING(NAME, /)        \
    SIMT_BOTH NAME operator-(NAME a) { return -float(a); }
SIMT_16_BITS(Half, __half, __float2half, __half2float, )
SIMT_16_BITS(BFloat16, __nv_bfloat16, __float2bfloat16, __bfloat162float, explicit)
#undef SIMT_16_BITS
#undef SIMT_ASSIGNING
#undef SIMT_ARITHMETIC
#undef SIMT_BOTH

}  // namespace c10

#include "simt/half_limits.h"
