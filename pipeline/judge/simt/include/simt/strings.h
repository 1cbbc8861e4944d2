// What needs <string>, which costs a translation unit 55 ms: only sources that mention it pay.
#pragma once
#include <string>
#include "simt/export.h"

namespace simt {
template <> struct Convert<std::string> {
    static constexpr const char* code = "s";
    static std::string get(const Value& v) { return v.s; }
    static void put(Value& out, const std::string& s) { set_string(out, s.c_str()); }
};
template <class Out>
Out& print_list(Out& out, c10::IntArrayRef list) {
    out << "[";
    for (size_t i = 0; i < list.size(); ++i) out << (i ? ", " : "") << list[i];
    return out << "]";
}
}  // namespace simt

namespace c10 {
template <class... A>
std::string str(const A&... parts) {
    simt::Text text;
    (simt::add(text, parts), ...);
    return text.c_str();
}
inline std::ostream& operator<<(std::ostream& out, IntArrayRef list) { return simt::print_list(out, list); }
inline std::ostream& operator<<(std::ostream& out, ScalarType type) { return out << toString(type); }
inline std::ostream& operator<<(std::ostream& out, TypeMeta type) { return out << type.name(); }
inline std::ostream& operator<<(std::ostream& out, Device) { return out << "cuda:0"; }
}  // namespace c10
