// Conversions of 16-bit floats, rounding to nearest even.
#include "simt/half.h"
#include <math.h>
#include <string.h>

namespace simt {

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float bfloat16_to_float(uint16_t bits) { return float_of(uint32_t(bits) << 16); }

uint16_t float_to_bfloat16(float value) {
    const uint32_t bits = bits_of(value);
    if (value != value) return 0x7FC0;
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float half_to_float(uint16_t bits) {
    const uint32_t sign = uint32_t(bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
    if (exponent == 31) return float_of(sign | 0x7F800000 | fraction << 13);
    if (exponent == 0) return float_of(sign | bits_of(static_cast<float>(fraction) * 0x1p-24f));
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t float_to_half(float value) {
    const uint32_t bits = bits_of(value), magnitude = bits & 0x7FFFFFFF;
    const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    const float size = fabsf(value);
    if (value != value) return static_cast<uint16_t>(sign | 0x7E00);
    if (size >= 65520.0f) return static_cast<uint16_t>(sign | 0x7C00);
    if (size < 0x1p-14f) return static_cast<uint16_t>(sign | static_cast<uint16_t>(rintf(size * 0x1p24f)));
    return static_cast<uint16_t>(sign | (magnitude + 0xFFF + (magnitude >> 13 & 1) - (112u << 23)) >> 13);
}

}  // namespace simt
