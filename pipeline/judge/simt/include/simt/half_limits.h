// std::numeric_limits of c10::Half and c10::BFloat16, which are declared before.
#pragma once
#include <limits>

#define SIMT_16_BIT_LIMITS(NAME, EPSILON, LOWEST, MAX, MIN, INF, NOTANUMBER, DIGITS, DIGITS10)   \
    template <> struct std::numeric_limits<c10::NAME> : std::numeric_limits<float> {             \
        static constexpr int digits = DIGITS, digits10 = DIGITS10;                               \
        static constexpr c10::NAME epsilon() { return {EPSILON, {}}; }                           \
        static constexpr c10::NAME lowest() { return {LOWEST, {}}; }                             \
        static constexpr c10::NAME max() { return {MAX, {}}; }                                   \
        static constexpr c10::NAME min() { return {MIN, {}}; }                                   \
        static constexpr c10::NAME infinity() { return {INF, {}}; }                              \
        static constexpr c10::NAME quiet_NaN() { return {NOTANUMBER, {}}; }                      \
    };
SIMT_16_BIT_LIMITS(Half, 0x1400, 0xFBFF, 0x7BFF, 0x0400, 0x7C00, 0x7E00, 11, 3)
SIMT_16_BIT_LIMITS(BFloat16, 0x3C00, 0xFF7F, 0x7F7F, 0x0080, 0x7F80, 0x7FC0, 8, 2)
#undef SIMT_16_BIT_LIMITS
