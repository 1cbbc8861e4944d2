// A value on its way between C++ and Python; values.py and library.py read the same.
#pragma once
#include "simt/tensor.h"

namespace simt {

enum class Tag : int64_t { None, Tensor, Int, Double, Bool, String, List, Tuple };

struct Value {
    Tag tag;
    union {
        int64_t i;
        double d;
        const char* s;
        TensorImpl* tensor;
        int64_t count;
    };
    Value* items;  // of a list or tuple; owned by the caller for arguments, by the runtime for results
};

extern "C" Value* simt_new_values(int64_t count);
void set_string(Value& out, const char* text);
void put_tensor(Value& out, const at::Tensor& tensor);  // with a reference of its own

}  // namespace simt
