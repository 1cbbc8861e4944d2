// torch's AT_DISPATCH macros: a switch over the dtype whose cases name the C++ type scalar_t. Those with complex types
// are left out, and so unsupported.
#pragma once
#include "simt/tensor.h"

#define AT_DISPATCH_SWITCH(TYPE, NAME, ...)                                                                   \
    [&] {                                                                                                     \
        const c10::ScalarType simt_type = c10::TensorOptions(TYPE).scalar_type();                             \
        switch (simt_type) {                                                                                  \
            __VA_ARGS__ default : simt::fail<c10::NotImplementedError>("\"", NAME, "\" not implemented for '", \
                                                                      c10::toString(simt_type), "'");         \
        }                                                                                                     \
    }()
#define AT_PRIVATE_CASE_TYPE_USING_HINT(TYPE, HINT, ...) \
    case TYPE: {                                         \
        using HINT = c10::ScalarTypeToCPPType<TYPE>;     \
        return __VA_ARGS__();                            \
    }
#define AT_DISPATCH_CASE(TYPE, ...) AT_PRIVATE_CASE_TYPE_USING_HINT(TYPE, scalar_t, __VA_ARGS__)
#define AT_DISPATCH_CASE_FLOATING_TYPES(...)                  \
    AT_DISPATCH_CASE(c10::ScalarType::Double, __VA_ARGS__)    \
    AT_DISPATCH_CASE(c10::ScalarType::Float, __VA_ARGS__)
#define AT_DISPATCH_CASE_REDUCED_FLOATING_TYPES(...)          \
    AT_DISPATCH_CASE(c10::ScalarType::Half, __VA_ARGS__)      \
    AT_DISPATCH_CASE(c10::ScalarType::BFloat16, __VA_ARGS__)
#define AT_DISPATCH_CASE_INTEGRAL_TYPES(...)                  \
    AT_DISPATCH_CASE(c10::ScalarType::Byte, __VA_ARGS__)      \
    AT_DISPATCH_CASE(c10::ScalarType::Char, __VA_ARGS__)      \
    AT_DISPATCH_CASE(c10::ScalarType::Int, __VA_ARGS__)       \
    AT_DISPATCH_CASE(c10::ScalarType::Long, __VA_ARGS__)      \
    AT_DISPATCH_CASE(c10::ScalarType::Short, __VA_ARGS__)
#define AT_DISPATCH_CASE_ALL_TYPES(...) \
    AT_DISPATCH_CASE_INTEGRAL_TYPES(__VA_ARGS__) AT_DISPATCH_CASE_FLOATING_TYPES(__VA_ARGS__)
#define SIMT_CASES_2(A, B, ...) AT_DISPATCH_CASE(A, __VA_ARGS__) AT_DISPATCH_CASE(B, __VA_ARGS__)
#define SIMT_CASES_3(A, B, C, ...) SIMT_CASES_2(A, B, __VA_ARGS__) AT_DISPATCH_CASE(C, __VA_ARGS__)
#define SIMT_CASES_4(A, B, C, D, ...) SIMT_CASES_3(A, B, C, __VA_ARGS__) AT_DISPATCH_CASE(D, __VA_ARGS__)
#define AT_DISPATCH_CASE_FLOATING_TYPES_AND(A, ...) \
    AT_DISPATCH_CASE_FLOATING_TYPES(__VA_ARGS__) AT_DISPATCH_CASE(A, __VA_ARGS__)
#define AT_DISPATCH_CASE_FLOATING_TYPES_AND2(A, B, ...) \
    AT_DISPATCH_CASE_FLOATING_TYPES(__VA_ARGS__) SIMT_CASES_2(A, B, __VA_ARGS__)
#define AT_DISPATCH_CASE_FLOATING_TYPES_AND_HALF(...) \
    AT_DISPATCH_CASE_FLOATING_TYPES_AND(c10::ScalarType::Half, __VA_ARGS__)

#define AT_DISPATCH_FLOATING_TYPES(TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_FLOATING_TYPES(__VA_ARGS__))
#define AT_DISPATCH_FLOATING_TYPES_AND_HALF(TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_FLOATING_TYPES_AND_HALF(__VA_ARGS__))
#define AT_DISPATCH_FLOATING_TYPES_AND(A, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_FLOATING_TYPES_AND(A, __VA_ARGS__))
#define AT_DISPATCH_FLOATING_TYPES_AND2(A, B, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_FLOATING_TYPES_AND2(A, B, __VA_ARGS__))
#define AT_DISPATCH_FLOATING_TYPES_AND3(A, B, C, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_FLOATING_TYPES(__VA_ARGS__) SIMT_CASES_3(A, B, C, __VA_ARGS__))
#define AT_DISPATCH_REDUCED_FLOATING_TYPES(TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_REDUCED_FLOATING_TYPES(__VA_ARGS__))
#define AT_DISPATCH_INTEGRAL_TYPES(TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_INTEGRAL_TYPES(__VA_ARGS__))
#define AT_DISPATCH_INTEGRAL_TYPES_AND(A, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_INTEGRAL_TYPES(__VA_ARGS__) AT_DISPATCH_CASE(A, __VA_ARGS__))
#define AT_DISPATCH_ALL_TYPES(TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_ALL_TYPES(__VA_ARGS__))
#define AT_DISPATCH_ALL_TYPES_AND(A, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_ALL_TYPES(__VA_ARGS__) AT_DISPATCH_CASE(A, __VA_ARGS__))
#define AT_DISPATCH_ALL_TYPES_AND2(A, B, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_ALL_TYPES(__VA_ARGS__) SIMT_CASES_2(A, B, __VA_ARGS__))
#define AT_DISPATCH_ALL_TYPES_AND3(A, B, C, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_ALL_TYPES(__VA_ARGS__) SIMT_CASES_3(A, B, C, __VA_ARGS__))
#define AT_DISPATCH_ALL_TYPES_AND4(A, B, C, D, TYPE, NAME, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, AT_DISPATCH_CASE_ALL_TYPES(__VA_ARGS__) SIMT_CASES_4(A, B, C, D, __VA_ARGS__))
#define AT_DISPATCH_INDEX_TYPES(TYPE, NAME, ...)                                                               \
    AT_DISPATCH_SWITCH(TYPE, NAME,                                                                             \
                       AT_PRIVATE_CASE_TYPE_USING_HINT(c10::ScalarType::Int, index_t, __VA_ARGS__)             \
                       AT_PRIVATE_CASE_TYPE_USING_HINT(c10::ScalarType::Long, index_t, __VA_ARGS__))

// ATen/Dispatch_v2.h: AT_DISPATCH_V2(type, name, AT_WRAP([&] { ... }), AT_EXPAND(AT_FLOATING_TYPES), kHalf).
#define AT_WRAP(...) __VA_ARGS__
#define AT_EXPAND(...) __VA_ARGS__
#define AT_FLOATING_TYPES c10::kDouble, c10::kFloat
#define AT_INTEGRAL_TYPES c10::kByte, c10::kChar, c10::kInt, c10::kLong, c10::kShort
#define AT_ALL_TYPES AT_EXPAND(AT_INTEGRAL_TYPES), AT_EXPAND(AT_FLOATING_TYPES)
#define SIMT_CASE1(BODY, A) AT_DISPATCH_CASE(A, BODY)
#define SIMT_CASE2(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE1(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE3(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE2(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE4(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE3(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE5(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE4(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE6(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE5(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE7(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE6(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE8(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE7(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE9(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE8(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_CASE10(BODY, A, ...) AT_DISPATCH_CASE(A, BODY) SIMT_CASE9(AT_WRAP(BODY), __VA_ARGS__)
#define SIMT_PICK(A, B, C, D, E, F, G, H, I, J, NAME, ...) NAME
#define SIMT_CASES_OF(BODY, ...)                                                                                    \
    SIMT_PICK(__VA_ARGS__, SIMT_CASE10, SIMT_CASE9, SIMT_CASE8, SIMT_CASE7, SIMT_CASE6, SIMT_CASE5, SIMT_CASE4,      \
              SIMT_CASE3, SIMT_CASE2, SIMT_CASE1)(AT_WRAP(BODY), __VA_ARGS__)
#define AT_DISPATCH_V2(TYPE, NAME, BODY, ...) \
    AT_DISPATCH_SWITCH(TYPE, NAME, SIMT_CASES_OF(AT_WRAP(BODY), AT_EXPAND(__VA_ARGS__)))
