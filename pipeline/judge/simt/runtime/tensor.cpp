// at::Tensor's members.
#include "storage.h"
#include <string.h>
#include <algorithm>

namespace c10 {

const char* toString(ScalarType type) {
    switch (type) {
        case kByte: return "Byte";
        case kChar: return "Char";
        case kShort: return "Short";
        case kInt: return "Int";
        case kLong: return "Long";
        case kHalf: return "Half";
        case kFloat: return "Float";
        case kDouble: return "Double";
        case kBool: return "Bool";
        case kBFloat16: return "BFloat16";
        case ScalarType::ComplexFloat: return "ComplexFloat";
        case ScalarType::ComplexDouble: return "ComplexDouble";
        default: return "Undefined";
    }
}

size_t elementSize(ScalarType type) {
    switch (type) {
        case kByte: case kChar: case kBool: return 1;
        case kShort: case kHalf: case kBFloat16: return 2;
        case kLong: case kDouble: case ScalarType::ComplexFloat: return 8;
        case ScalarType::ComplexDouble: return 16;
        default: return 4;
    }
}

}  // namespace c10

namespace at {
using simt::TensorImpl;

Tensor::Tensor(const Tensor& other) noexcept : impl_(other.impl_) {
    if (impl_) ++impl_->references;
}
Tensor& Tensor::operator=(const Tensor& other) & noexcept {
    if (other.impl_) ++other.impl_->references;
    simt::tensor_release(impl_);
    impl_ = other.impl_;
    return *this;
}
Tensor& Tensor::operator=(Tensor&& other) & noexcept {
    TensorImpl* mine = impl_;
    impl_ = other.impl_;
    other.impl_ = mine;
    return *this;
}
Tensor::~Tensor() { simt::tensor_release(impl_); }
void Tensor::reset() { *this = Tensor(); }

static TensorImpl* checked(TensorImpl* impl) {
    if (!impl) simt::fail("Expected a proper Tensor but got None (or an undefined Tensor in C++)");
    return impl;
}

int64_t maybe_wrap_dim(int64_t dim, int64_t count) {
    const int64_t least = count ? count : 1;  // a number counts as having one dimension
    if (dim < -least || dim >= least)
        simt::fail<c10::IndexError>("Dimension out of range (expected to be in range of [", -least, ", ", least - 1,
                                    "], but got ", dim, ")");
    return dim < 0 ? dim + least : dim;
}

int64_t Tensor::dim() const { return checked(impl_)->dim; }
int64_t Tensor::numel() const { return checked(impl_)->numel; }
int64_t Tensor::size(int64_t d) const { return impl_->sizes[maybe_wrap_dim(d, dim())]; }
int64_t Tensor::stride(int64_t d) const { return impl_->strides[maybe_wrap_dim(d, dim())]; }
IntArrayRef Tensor::sizes() const { return {checked(impl_)->sizes, static_cast<size_t>(impl_->dim)}; }
IntArrayRef Tensor::strides() const { return {checked(impl_)->strides, static_cast<size_t>(impl_->dim)}; }
ScalarType Tensor::scalar_type() const { return checked(impl_)->type; }
bool Tensor::requires_grad() const { return checked(impl_)->requires_grad; }
void* Tensor::data_ptr() const { return checked(impl_)->data; }

void* Tensor::typed_data(ScalarType expected) const {
    if (checked(impl_)->type != expected)
        simt::fail("expected scalar type ", expected, " but found ", impl_->type);
    return impl_->data;
}

void Tensor::expect_dim(size_t n) const {
    if (static_cast<size_t>(dim()) != n)
        simt::fail("TensorAccessor expected ", n, " dims but tensor has ", dim());
}

bool Tensor::is_contiguous(MemoryFormat format) const {
    checked(impl_);
    if (format == MemoryFormat::ChannelsLast || format == MemoryFormat::ChannelsLast3d) {
        if (impl_->dim != (format == MemoryFormat::ChannelsLast ? 4 : 5)) return false;
        return permute(impl_->dim == 4 ? IntArrayRef({0, 2, 3, 1}) : IntArrayRef({0, 2, 3, 4, 1})).is_contiguous();
    }
    int64_t step = 1;
    if (impl_->numel == 0) return true;
    for (int d = impl_->dim - 1; d >= 0; --d) {
        if (impl_->sizes[d] == 1) continue;
        if (impl_->strides[d] != step) return false;
        step *= impl_->sizes[d];
    }
    return true;
}

Tensor Tensor::clone() const {
    Tensor copy = empty_like(*this);
    simt::tensor_copy(copy.impl_, impl_);
    return copy;
}

Tensor Tensor::contiguous(MemoryFormat format) const {
    const bool plain = format == MemoryFormat::Contiguous || format == MemoryFormat::Preserve;
    if (is_contiguous(plain ? MemoryFormat::Contiguous : format)) return *this;
    const Tensor copy = empty(sizes(), options().memory_format(format));
    simt::tensor_copy(copy.impl_, impl_);
    return copy;
}

Tensor Tensor::to(ScalarType type) const {
    if (scalar_type() == type) return *this;
    Tensor copy = empty(sizes(), type);
    simt::tensor_copy(copy.impl_, impl_);
    return copy;
}

Tensor& Tensor::copy_(const Tensor& from) {
    simt::tensor_copy(checked(impl_), from.expand(sizes()).impl_);
    return *this;
}

Tensor& Tensor::fill_(Scalar value) {
    simt::tensor_fill(checked(impl_), value);
    return *this;
}

Tensor& Tensor::zero_() {
    if (!is_contiguous()) return fill_(0);
    simt::tensor_zero(impl_);
    return *this;
}

Scalar Tensor::item() const {
    if (numel() != 1) simt::fail("a Tensor with ", numel(), " elements cannot be converted to Scalar");
    return simt::tensor_item(impl_);
}

Tensor empty(IntArrayRef sizes, TensorOptions options) {
    const MemoryFormat format = options.format();
    if (format == MemoryFormat::ChannelsLast || format == MemoryFormat::ChannelsLast3d) {
        const size_t wanted = format == MemoryFormat::ChannelsLast ? 4 : 5;
        if (sizes.size() != wanted) simt::fail<c10::Error>("required rank ", wanted, " tensor to use channels_last format");
        auto shape = sizes.vec();
        std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
        const Tensor last = empty(shape, options.scalar_type());
        return last.permute(wanted == 4 ? IntArrayRef({0, 3, 1, 2}) : IntArrayRef({0, 4, 1, 2, 3}));
    }
    return Tensor(simt::tensor_allocate(options.scalar_type(), sizes, false));
}
Tensor zeros(IntArrayRef sizes, TensorOptions options) {
    return Tensor(simt::tensor_allocate(options.scalar_type(), sizes, true));
}
Tensor ones(IntArrayRef sizes, TensorOptions options) { return full(sizes, 1, options); }
Tensor full(IntArrayRef sizes, Scalar value, TensorOptions options) {
    Tensor result = empty(sizes, options);
    result.fill_(value);
    return result;
}

Tensor tensor(ArrayRef<Scalar> values, TensorOptions options) {
    const Tensor result = empty({static_cast<int64_t>(values.size())}, options);
    for (size_t i = 0; i < values.size(); ++i) result[static_cast<int64_t>(i)].fill_(values[i]);
    return result;
}

Tensor empty_strided(IntArrayRef sizes, IntArrayRef strides, TensorOptions options) {
    int64_t last = 0;
    for (size_t d = 0; d < sizes.size(); ++d) last += (sizes[d] - 1) * strides[d];
    const Tensor flat = empty({last + 1}, options);
    return simt::tensor_alias(flat.unsafeGetTensorImpl(), sizes, strides, 0);
}

// Keeps a dense permutation's strides, as torch's preserve_format does.
Tensor empty_like(const Tensor& like) { return empty_like(like, like.options()); }
Tensor empty_like(const Tensor& like, TensorOptions options) {
    const IntArrayRef sizes = like.sizes(), strides = like.strides();
    int64_t span = 1;
    for (size_t d = 0; d < sizes.size(); ++d) span += (sizes[d] - 1) * strides[d];
    const bool asked = options.format() != MemoryFormat::Preserve;
    if (asked || like.is_contiguous() || span != like.numel()) return empty(sizes, options);
    return empty_strided(sizes, strides, options);
}
Tensor zeros_like(const Tensor& like) {
    if (like.is_contiguous()) return zeros(like.sizes(), like.options());
    Tensor result = empty_like(like);
    result.zero_();
    return result;
}
Tensor ones_like(const Tensor& like) { return full_like(like, 1); }
Tensor full_like(const Tensor& like, Scalar value) {
    Tensor result = empty_like(like);
    result.fill_(value);
    return result;
}

}  // namespace at
