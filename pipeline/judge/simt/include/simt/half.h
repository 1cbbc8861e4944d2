// c10::Half and c10::BFloat16: 16 bits in memory, float in arithmetic, a result rounded after each operation, as
// c10/util/Half-inl.h has it. With SIMT_CUDA_16_BITS they convert to and from CUDA's own types.
#pragma once
#include <stdint.h>
#include <string.h>

namespace simt {
float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);
}  // namespace simt

#ifdef SIMT_CUDA_16_BITS
#include "simt/cuda_16_bits.h"
#define SIMT_FROM_CUDA(NAME, CUDA, EXPLICIT)                                             \
    NAME(const CUDA& value) { memcpy(&x, &value, sizeof x); }                            \
    EXPLICIT operator CUDA() const {                                                     \
        CUDA value;                                                                      \
        memcpy(&value, &x, sizeof x);                                                    \
        return value;                                                                    \
    }
#else
#define SIMT_FROM_CUDA(NAME, CUDA, EXPLICIT)
#endif

namespace c10 {

#define SIMT_16_BITS(NAME, FROM, TO, CUDA, EXPLICIT)                                     \
    struct NAME {                                                                        \
        uint16_t x;                                                                      \
        struct from_bits_t {};                                                           \
        static constexpr from_bits_t from_bits() { return {}; }                          \
        NAME() = default;                                                                \
        constexpr NAME(uint16_t bits, from_bits_t) : x(bits) {}                          \
        NAME(float value) : x(simt::FROM(value)) {}                                      \
        operator float() const { return simt::TO(x); }                                   \
        SIMT_FROM_CUDA(NAME, CUDA, EXPLICIT)                                             \
    };                                                                                   \
    inline NAME operator-(NAME a) { return -float(a); }                                  \
    SIMT_16_BIT_OPERATOR(NAME, +)                                                        \
    SIMT_16_BIT_OPERATOR(NAME, -)                                                        \
    SIMT_16_BIT_OPERATOR(NAME, *)                                                        \
    SIMT_16_BIT_OPERATOR(NAME, /)
#define SIMT_16_BIT_OPERATOR(NAME, OP)                                                   \
    inline NAME operator OP(NAME a, NAME b) { return float(a) OP float(b); }             \
    inline NAME& operator OP##=(NAME& a, NAME b) { return a = a OP b; }                  \
    SIMT_16_BIT_MIXED(NAME, OP, float, float)                                            \
    SIMT_16_BIT_MIXED(NAME, OP, double, double)                                          \
    SIMT_16_BIT_MIXED(NAME, OP, int, NAME)                                               \
    SIMT_16_BIT_MIXED(NAME, OP, int64_t, NAME)
#define SIMT_16_BIT_MIXED(NAME, OP, T, R)                                                \
    inline R operator OP(NAME a, T b) { return R(float(a)) OP R(b); }                    \
    inline R operator OP(T a, NAME b) { return R(a) OP R(float(b)); }
SIMT_16_BITS(Half, float_to_half, half_to_float, __half, )
SIMT_16_BITS(BFloat16, float_to_bfloat16, bfloat16_to_float, __nv_bfloat16, explicit)
#undef SIMT_16_BITS
#undef SIMT_16_BIT_OPERATOR
#undef SIMT_16_BIT_MIXED
#undef SIMT_FROM_CUDA

}  // namespace c10

#include "simt/half_limits.h"
