// printf, bounded: a million threads that print must not fill a disk or take the judge's time.
#undef printf
#include <stdarg.h>
#include <stdio.h>

constexpr long kMaxPrinted = 1 << 20;  // bytes; what cudaLimitPrintfFifoSize is by default

extern "C" int simt_print(const char* format, ...) {
    static long printed;
    if (printed >= kMaxPrinted) return 0;
    va_list arguments;
    va_start(arguments, format);
    const int count = vprintf(format, arguments);
    va_end(arguments);
    printed += count > 0 ? count : 0;
    return count;
}
