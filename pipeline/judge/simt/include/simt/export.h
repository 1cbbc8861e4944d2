// What pybind11 does for an extension, without its cost: signatures are deduced from `&function`, values cross as a
// plain array, the Python side (binding.py) checks types before the call.
#pragma once
#include <array>
#include "simt/torch.h"
#include "simt/value.h"

namespace simt {

// `code` is read by values.py: t tensor, i int of 32 bits, l of 64, d float, b bool, s str, y dtype; before one of
// these, ? (or None) and [ (sequence of).
template <class T> struct Convert;

template <> struct Convert<at::Tensor> {
    static constexpr const char* code = "t";
    static at::Tensor get(const Value& v) {
        ++v.tensor->references;
        return at::Tensor(v.tensor);
    }
    static void put(Value& out, const at::Tensor& t) { put_tensor(out, t); }
};
template <> struct Convert<bool> {
    static constexpr const char* code = "b";
    static bool get(const Value& v) { return v.i != 0; }
    static void put(Value& out, bool x) { out.tag = Tag::Bool; out.i = x; }
};
template <class T> struct ConvertInt {
    static constexpr const char* code = sizeof(T) < 8 ? "i" : "l";
    static T get(const Value& v) { return static_cast<T>(v.i); }
    static void put(Value& out, T x) { out.tag = Tag::Int; out.i = static_cast<int64_t>(x); }
};
template <class T> struct ConvertFloat {
    static constexpr const char* code = "d";
    static T get(const Value& v) { return static_cast<T>(v.d); }
    static void put(Value& out, T x) { out.tag = Tag::Double; out.d = x; }
};
template <> struct Convert<char> : ConvertInt<char> {};
template <> struct Convert<short> : ConvertInt<short> {};
template <> struct Convert<int> : ConvertInt<int> {};
template <> struct Convert<long> : ConvertInt<long> {};
template <> struct Convert<long long> : ConvertInt<long long> {};
template <> struct Convert<unsigned char> : ConvertInt<unsigned char> {};
template <> struct Convert<unsigned> : ConvertInt<unsigned> {};
template <> struct Convert<unsigned long> : ConvertInt<unsigned long> {};
template <> struct Convert<unsigned long long> : ConvertInt<unsigned long long> {};
template <> struct Convert<float> : ConvertFloat<float> {};
template <> struct Convert<double> : ConvertFloat<double> {};
template <> struct Convert<c10::Scalar> {
    static constexpr const char* code = "d";
    static c10::Scalar get(const Value& v) { return c10::Scalar(v.d); }
};
template <> struct Convert<const char*> {
    static constexpr const char* code = "s";
    static const char* get(const Value& v) { return v.s; }
    static void put(Value& out, const char* s) { set_string(out, s); }
};
template <> struct Convert<c10::ScalarType> {
    static constexpr const char* code = "y";
    static c10::ScalarType get(const Value& v) { return static_cast<c10::ScalarType>(v.i); }
};

// Codes of composed types are joined at compile time.
template <char Prefix, class Inner>
struct Joined {
    struct Text { char s[8] = {}; };
    static constexpr Text make() {
        Text t;
        t.s[0] = Prefix;
        for (int i = 0; Inner::code[i] && i < 6; ++i) t.s[i + 1] = Inner::code[i];
        return t;
    }
    static constexpr Text text = make();
};
template <class T> struct Convert<std::optional<T>> {
    static constexpr const char* code = Joined<'?', Convert<T>>::text.s;
    static std::optional<T> get(const Value& v) {
        if (v.tag == Tag::None) return std::nullopt;
        return Convert<T>::get(v);
    }
    static void put(Value& out, const std::optional<T>& x) {
        if (x) Convert<T>::put(out, *x);
        else out.tag = Tag::None;
    }
};
template <class T> struct Convert<std::vector<T>> {
    static constexpr const char* code = Joined<'[', Convert<T>>::text.s;
    static std::vector<T> get(const Value& v) {
        std::vector<T> list;
        list.reserve(static_cast<size_t>(v.count));
        for (int64_t i = 0; i < v.count; ++i) list.push_back(Convert<T>::get(v.items[i]));
        return list;
    }
    static void put(Value& out, const std::vector<T>& list) {
        out.tag = Tag::List;
        out.count = static_cast<int64_t>(list.size());
        out.items = simt_new_values(out.count);
        for (int64_t i = 0; i < out.count; ++i) Convert<T>::put(out.items[i], list[static_cast<size_t>(i)]);
    }
};
template <class T> struct Convert<c10::ArrayRef<T>> : Convert<std::vector<T>> {};
// A tuple, pair or array of one type comes as a sequence, whose length is seen only here.
template <size_t N, class T>
const Value* of_length(const Value& v) {
    if (v.count != int64_t(N)) fail<c10::TypeError>("expected a sequence of ", N, " values, got ", (long long)v.count);
    return v.items;
}
template <class T, size_t N> struct Convert<std::array<T, N>> : Convert<std::vector<T>> {
    static std::array<T, N> get(const Value& v) {
        std::array<T, N> list;
        const Value* items = of_length<N, T>(v);
        for (size_t i = 0; i < N; ++i) list[i] = Convert<T>::get(items[i]);
        return list;
    }
    static void put(Value& out, const std::array<T, N>& list) {
        Convert<std::vector<T>>::put(out, std::vector<T>(list.begin(), list.end()));
    }
};
template <class... T> struct Convert<std::tuple<T...>> {
    using First = std::tuple_element_t<0, std::tuple<T...>>;
    static constexpr const char* code = Joined<'[', Convert<First>>::text.s;
    static std::tuple<T...> get(const Value& v) {
        static_assert((__is_same(T, First) && ...), "only tuples of one type are taken from Python");
        const Value* next = of_length<sizeof...(T), First>(v);
        return {Convert<T>::get(*next++)...};
    }
    static void put(Value& out, const std::tuple<T...>& values) {
        out.tag = Tag::Tuple;
        out.count = sizeof...(T);
        out.items = simt_new_values(out.count);
        Value* next = out.items;
        std::apply([&](const T&... each) { (Convert<T>::put(*next++, each), ...); }, values);
    }
};
template <class A, class B> struct Convert<std::pair<A, B>> {
    static constexpr const char* code = Joined<'[', Convert<A>>::text.s;
    static std::pair<A, B> get(const Value& v) { return std::make_from_tuple<std::pair<A, B>>(Convert<std::tuple<A, B>>::get(v)); }
    static void put(Value& out, const std::pair<A, B>& pair) { Convert<std::tuple<A, B>>::put(out, pair); }
};

template <class T> struct Bare { using type = T; };
template <class T> struct Bare<const T> : Bare<T> {};
template <class T> struct Bare<T&> : Bare<T> {};
template <class T> struct Bare<T&&> : Bare<T> {};
template <class T> using bare = typename Bare<T>::type;

// The converted arguments of a call. Lists and optionals live here until it ends, also behind a reference. (A
// std::tuple would do; instantiating it takes longer than compiling the kernel.)
template <size_t I, class T> struct Held {
    T value;
    explicit Held(const Value* arguments) : value(Convert<T>::get(arguments[I])) {}
};
template <size_t I, class T> struct Held<I, c10::ArrayRef<T>> {
    std::vector<T> list;
    c10::ArrayRef<T> value;
    explicit Held(const Value* arguments) : list(Convert<std::vector<T>>::get(arguments[I])), value(list) {}
};
template <class Indices, class... A> struct HeldAll;
template <size_t... I, class... A> struct HeldAll<std::index_sequence<I...>, A...> : Held<I, bare<A>>... {
    explicit HeldAll([[maybe_unused]] const Value* arguments) : Held<I, bare<A>>(arguments)... {}
    template <class R>
    R call(R (*f)(A...)) {
        return f(static_cast<A>(static_cast<Held<I, bare<A>>&>(*this).value)...);
    }
};

template <class R, class... A>
void call(void* f, const Value* arguments, Value* out) {
    HeldAll<std::make_index_sequence<sizeof...(A)>, A...> held(arguments);
    const auto function = reinterpret_cast<R (*)(A...)>(f);
    if constexpr (__is_same(R, void)) held.call(function);
    else Convert<bare<R>>::put(*out, held.call(function));
}

struct Argument {
    const char* name;
    bool has_default;
    Value value;
};

struct Module {
    void* registry;
    void add(const char* name, void* function, void (*call)(void*, const Value*, Value*), const char* const* codes,
             int count, const Argument* arguments, int argument_count);

    template <class R, class... A, class... Extra>
    Module& def(const char* name, R (*function)(A...), const Extra&... extra) {
        static constexpr const char* codes[] = {Convert<bare<A>>::code..., nullptr};
        Argument arguments[sizeof...(Extra) + 1];
        int count = 0;
        (note(arguments, count, extra), ...);
        add(name, reinterpret_cast<void*>(function), &call<R, A...>, codes, sizeof...(A), arguments, count);
        return *this;
    }
    template <class F, class... Extra>
    auto def(const char* name, F lambda, const Extra&... extra) -> decltype(+lambda, *this) {
        return def(name, +lambda, extra...);
    }
    const char*& doc() { static const char* text; return text; }
    // What a module is told about itself (a version, say) is nobody's business here.
    struct Attribute { template <class T> void operator=(const T&) {} };
    Attribute attr(const char*) { return {}; }

private:
    template <class T>
    static void note(Argument* list, int& count, const T& extra) {
        if constexpr (__is_base_of(Argument, T)) list[count++] = extra;
    }
};

}  // namespace simt

namespace pybind11 {
struct none {};
// Python is told which arguments it may name, not which it must.
struct kw_only {};
struct pos_only {};
struct arg : simt::Argument {
    explicit arg(const char* text) : simt::Argument{text, false, {}} {}
    arg& noconvert(bool = true) { return *this; }
    template <class T>
    arg operator=(const T& fallback) const {
        arg with = *this;
        with.has_default = true;
        simt::Convert<T>::put(with.value, fallback);
        return with;
    }
    arg operator=(const char* fallback) const {
        arg with = *this;
        with.has_default = true;
        simt::set_string(with.value, fallback);
        return with;
    }
    arg operator=(pybind11::none) const { return with_none(); }
    arg operator=(std::nullptr_t) const { return with_none(); }
    arg operator=(std::nullopt_t) const { return with_none(); }

private:
    arg with_none() const {
        arg with = *this;
        with.has_default = true;
        return with;
    }
};
// As a result only: what it holds becomes the caller's.
struct tuple { simt::Value value; };
template <class... T>
tuple make_tuple(T... each) {
    tuple made{};
    simt::Convert<std::tuple<T...>>::put(made.value, std::tuple<T...>(each...));
    return made;
}
struct module_ : simt::Module {};
struct gil_scoped_release {};
template <class... T> struct call_guard {};
template <class... A> struct overload_cast_of {
    template <class R> constexpr auto operator()(R (*function)(A...)) const { return function; }
};
template <class... A> constexpr overload_cast_of<A...> overload_cast{};
inline namespace literals {
inline arg operator""_a(const char* name, size_t) { return arg(name); }
}
}  // namespace pybind11
template <> struct simt::Convert<pybind11::tuple> {
    static void put(Value& out, const pybind11::tuple& t) { out = t.value; }
};
namespace py = pybind11;
namespace torch {
namespace py = pybind11;
template <class F> F wrap_pybind_function(F function) { return function; }
}  // namespace torch

#define TORCH_EXTENSION_NAME simt_extension
#define PYBIND11_MODULE(name, variable)                                        \
    static void simt_define_module(pybind11::module_&);                        \
    extern "C" void simt_module(simt::Module& module) {                        \
        simt_define_module(static_cast<pybind11::module_&>(module));           \
    }                                                                          \
    static void simt_define_module(pybind11::module_& variable)
