// Calls of torch's operators, made by Python: see call_torch in binding.py.
#include "simt/operators.h"
#include <stdlib.h>
#include "state.h"

namespace simt {

// Returns 0, or 1 with `result` a message to throw. It takes over the operands' references, not their lists.
using TorchCallback = int (*)(const char* name, const Value* operands, int count, Value* result);
static TorchCallback torch_callback;
extern "C" void simt_set_torch(TorchCallback callback) { torch_callback = callback; }

void put_tensor(Value& out, const at::Tensor& tensor) {
    out.tag = tensor.defined() ? Tag::Tensor : Tag::None;
    out.tensor = tensor.unsafeGetTensorImpl();
    if (out.tensor) ++out.tensor->references;
}

static Value number(const c10::Scalar& scalar) {
    Value value = {};
    value.tag = scalar.isIntegral(false) ? Tag::Int : Tag::Double;
    if (value.tag == Tag::Int) value.i = scalar.toLong();
    else value.d = scalar.toDouble();
    return value;
}

template <class T, class F>
static Value listed(c10::ArrayRef<T> list, F put) {
    Value value = {};
    value.tag = Tag::List;
    value.count = static_cast<int64_t>(list.size());
    value.items = simt_new_values(value.count);
    for (size_t i = 0; i < list.size(); ++i) put(value.items[i], list[i]);
    return value;
}

Operand::Operand(const at::Tensor& tensor) : value_{} { put_tensor(value_, tensor); }
Operand::Operand(const std::optional<at::Tensor>& tensor) : value_{} {
    if (tensor) put_tensor(value_, *tensor);
}
Operand::Operand(at::TensorList list) : value_(listed(list, put_tensor)) {}
Operand::Operand(c10::IntArrayRef list)
    : value_(listed(list, [](Value& out, int64_t i) { out = number(c10::Scalar(i)); })) {}
Operand::Operand(const c10::Scalar& scalar) : value_(number(scalar)) {}
Operand::Operand(const std::optional<c10::Scalar>& scalar) : value_{} {
    if (scalar) value_ = number(*scalar);
}
Operand::Operand(double d) : value_(number(c10::Scalar(d))) {}
Operand::Operand(int64_t i) : value_(number(c10::Scalar(i))) {}
Operand::Operand(bool truth) : value_{} {
    value_.tag = Tag::Bool;
    value_.i = truth;
}

at::Tensor call_torch(const char* name, std::initializer_list<Operand> operands) {
    static_assert(sizeof(Operand) == sizeof(Value));
    const auto* values = reinterpret_cast<const Value*>(operands.begin());
    const int count = static_cast<int>(operands.size());
    Value result = {};
    int failed = 0;
    {
        const DeviceAccess access;
        failed = torch_callback(name, values, count, &result);
    }
    for (int i = 0; i < count; ++i)
        if (values[i].tag == Tag::List) free(values[i].items);
    if (!failed) return at::Tensor(result.tensor);
    Text message;
    message.add(result.s);
    throw c10::Error(message);
}

}  // namespace simt
