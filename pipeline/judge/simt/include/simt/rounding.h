// Arithmetic and conversions with a rounding mode other than to nearest: computed in double, which is exact or nearly
// so, then moved to the neighbour that the mode asks for.
#pragma once
#include <limits.h>
#include <math.h>
#include <stdint.h>

namespace simt {

enum class Rounding { Down, Up, Zero };

inline float rounded(double value, Rounding mode) {
    const float nearest = static_cast<float>(value);
    if (nearest == value || value != value) return nearest;
    if (mode == Rounding::Zero) mode = value > 0 ? Rounding::Down : Rounding::Up;
    if (mode == Rounding::Down) return nearest > value ? __builtin_nextafterf(nearest, -__builtin_inff()) : nearest;
    return nearest < value ? __builtin_nextafterf(nearest, __builtin_inff()) : nearest;
}

}  // namespace simt

#define SIMT_ROUNDING(SUFFIX, MODE)                                                                                   \
    inline float __fadd_##SUFFIX(float a, float b) { return simt::rounded(double(a) + b, simt::Rounding::MODE); }     \
    inline float __fsub_##SUFFIX(float a, float b) { return simt::rounded(double(a) - b, simt::Rounding::MODE); }     \
    inline float __fmul_##SUFFIX(float a, float b) { return simt::rounded(double(a) * b, simt::Rounding::MODE); }     \
    inline float __fdiv_##SUFFIX(float a, float b) { return simt::rounded(double(a) / b, simt::Rounding::MODE); }     \
    inline float __frcp_##SUFFIX(float a) { return simt::rounded(1.0 / a, simt::Rounding::MODE); }                    \
    inline float __fsqrt_##SUFFIX(float a) { return simt::rounded(__builtin_sqrt(a), simt::Rounding::MODE); }         \
    inline float __fmaf_##SUFFIX(float a, float b, float c) {                                                         \
        return simt::rounded(double(a) * b + c, simt::Rounding::MODE);                                                \
    }                                                                                                                 \
    inline float __double2float_##SUFFIX(double a) { return simt::rounded(a, simt::Rounding::MODE); }                 \
    inline float __int2float_##SUFFIX(int a) { return simt::rounded(a, simt::Rounding::MODE); }                       \
    inline float __uint2float_##SUFFIX(unsigned a) { return simt::rounded(a, simt::Rounding::MODE); }
SIMT_ROUNDING(rd, Down)
SIMT_ROUNDING(ru, Up)
SIMT_ROUNDING(rz, Zero)
#undef SIMT_ROUNDING
