// c10::Half and c10::BFloat16: 16 bits in memory, float in arithmetic, as torch's own are on a CPU.
#pragma once
#include <stdint.h>

namespace simt {
float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);
}  // namespace simt

namespace c10 {

#define SIMT_16_BITS(NAME, FROM, TO)                                                           \
    struct NAME {                                                                              \
        uint16_t x;                                                                            \
        NAME() = default;                                                                      \
        NAME(float value) : x(simt::FROM(value)) {}                                            \
        operator float() const { return simt::TO(x); }                                         \
        NAME& operator+=(NAME other) { return *this = NAME(float(*this) + float(other)); }     \
        NAME& operator-=(NAME other) { return *this = NAME(float(*this) - float(other)); }     \
        NAME& operator*=(NAME other) { return *this = NAME(float(*this) * float(other)); }     \
        NAME& operator/=(NAME other) { return *this = NAME(float(*this) / float(other)); }     \
    };
SIMT_16_BITS(Half, float_to_half, half_to_float)
SIMT_16_BITS(BFloat16, float_to_bfloat16, bfloat16_to_float)
#undef SIMT_16_BITS

}  // namespace c10
