// Guarded memory. Data ends against an inaccessible page (16-byte aligned, as float4 needs); what is left between the
// data and its pages holds a poison of its own, so a stray read shows and a stray write is found afterwards: that of a
// NaN too, which keeps the bits of the one it was computed from.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <vector>
#include "instrument.h"
#include "rehearsal.h"

namespace simt {

constexpr size_t kPage = 4096, kAlign = 16;
static Region* first_region;
static int access_depth = 1;  // Python has access

// Where region_near found something before, by page.
constexpr size_t kRemembered = 1024;
static struct {
    uintptr_t page;
    Region* region;
} nearest[kRemembered];
static void forget_nearest() { memset(nearest, 0, sizeof nearest); }

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

static void fill(void* data, size_t bytes, uint16_t pattern) {
    auto* halves = static_cast<uint16_t*>(data);
    for (size_t i = 0; i < bytes / 2; ++i) halves[i] = pattern;
    if (bytes & 1) static_cast<uint8_t*>(data)[bytes - 1] = pattern & 0xFF;
}

// What nobody has written: a NaN, which no sum hides but a maximum does, or a huge number of either sign, in any float
// format.
static const uint16_t kinds[] = {0x7FC1, 0x7B41, 0xFB41};
static unsigned kind;

void poison(void* data, size_t bytes) {
    if (!is_unbacked(data)) fill(data, bytes, kind ? static_cast<uint16_t>(kinds[kind] + 57) : kPoison);
}

// Of the next region's surroundings: like what is in no region's, and none of the 56 before.
static uint16_t next_pattern() {
    static unsigned count;
    return static_cast<uint16_t>(kinds[kind] + count++ % 57);
}

static char* body_begin(const Region* region) { return region->map + kPage; }
static char* body_end(const Region* region) { return region->map + region->map_bytes - kPage; }

static void set_access(const Region* region, int protection) {
    if (region->host || region->unbacked) return;
    mprotect(body_begin(region), static_cast<size_t>(body_end(region) - body_begin(region)), protection);
}

void device_open() {
    if (access_depth++) return;
    for (const Region* region = first_region; region; region = region->next) set_access(region, PROT_READ | PROT_WRITE);
}

void device_close() {
    if (--access_depth) return;
    for (const Region* region = first_region; region; region = region->next) set_access(region, PROT_NONE);
}

bool device_closed() { return access_depth == 0; }

void region_open(const Region* region) {
    if (device_closed()) set_access(region, PROT_READ | PROT_WRITE);
}

void region_close(const Region* region) {
    if (device_closed()) set_access(region, PROT_NONE);
}

static void surround(Region* region) {
    if (region->unbacked) return;
    char *begin = body_begin(region), *end = region->data + region->bytes;
    region->slack_pattern = next_pattern();
    fill(begin, static_cast<size_t>(region->data - begin), region->slack_pattern);
    fill(end, static_cast<size_t>(body_end(region) - end), region->slack_pattern);
}

void set_poison(unsigned number) {
    kind = number % 3;
    for (Region* region = first_region; region; region = region->next) surround(region);
}

// Pages for a body, writable, and one on either side that is not; null if there are none.
static char* map_pages(size_t body) {
    void* map = mmap(nullptr, body + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return nullptr;
    if (mprotect(static_cast<char*>(map) + kPage, body, PROT_READ | PROT_WRITE) == 0) return static_cast<char*>(map);
    munmap(map, body + 2 * kPage);
    return nullptr;
}

static Region* region_create(size_t bytes, const char* what, const char* name, bool unbacked) {
    const size_t body = round_up(bytes ? bytes : 1, kPage);
    char* map = unbacked ? unbacked_addresses(body + 2 * kPage) : map_pages(body);
    if (!map) return nullptr;
    auto* region = static_cast<Region*>(malloc(sizeof(Region)));
    *region = {map, body + 2 * kPage, nullptr, bytes, what, name};
    region->unbacked = unbacked;
    region->next = first_region;
    region->data = body_end(region) - round_up(bytes, kAlign);
    surround(region);
    if (first_region) first_region->previous = region;
    first_region = region;
    return region;
}

Region* region_create(size_t bytes, const char* what, const char* name) {
    return region_create(bytes, what, name, rehearsing());
}

void region_destroy(Region* region) {
    shadow_forget(region);
    forget_nearest();
    if (region->previous) region->previous->next = region->next;
    else first_region = region->next;
    if (region->next) region->next->previous = region->previous;
    if (!region->unbacked) munmap(region->map, region->map_bytes);
    free(region);
}

Region* region_first() { return first_region; }

// The pattern is two bytes wide and the slack's ends need not be even: compare with the phase it was written in.
static bool intact(const char* from, const char* to, uint16_t pattern) {
    const uint64_t four = pattern * 0x0001000100010001ull;
    const char* p = from;
    for (uint64_t there; to - p >= 8; p += 8) {
        memcpy(&there, p, 8);
        if (there != four) return false;
    }
    for (; p < to; ++p) {
        const bool odd = (p - from) & 1, last = p + 1 == to && !odd;
        const auto expected = static_cast<uint8_t>(odd && !last ? pattern >> 8 : pattern & 0xFF);
        if (static_cast<uint8_t>(*p) != expected) return false;
    }
    return true;
}

const char* region_damage(const Region* region) {
    if (region->unbacked) return nullptr;
    if (!intact(region->data + region->bytes, body_end(region), region->slack_pattern)) return "write past the end";
    if (!intact(body_begin(region), region->data, region->slack_pattern)) return "write before the start";
    return nullptr;
}

Region* region_near(const void* address) {
    auto at = static_cast<const char*>(address);
    const auto page = reinterpret_cast<uintptr_t>(at) / kPage;
    auto& remembered = nearest[page % kRemembered];
    if (remembered.page == page) return remembered.region;
    Region* found = nullptr;
    for (Region* region = first_region; region && !found; region = region->next)
        if (at >= region->map && at < region->map + region->map_bytes) found = region;
    if (found) remembered = {page, found};
    return found;
}

static void* allocate(size_t bytes, const char* what, bool host) {
    Region* region = region_create(bytes, what, nullptr, rehearsing() && !host);
    if (!region) return nullptr;
    region->host = region->host_wrote = host;
    region->buffer = true;
    poison(region->data, bytes);
    region_close(region);
    return region->data;
}

struct Borrowed {
    const char *begin, *end;
    int times;
};
static std::vector<Borrowed> borrowed_spans;

void borrow(const void* address, size_t bytes) {
    auto* begin = static_cast<const char*>(address);
    for (Borrowed& span : borrowed_spans)
        if (span.begin == begin) {
            ++span.times;
            if (begin + bytes > span.end) span.end = begin + bytes;
            return;
        }
    borrowed_spans.push_back({begin, begin + bytes, 1});
}

void give_back(const void* address) {
    for (size_t i = 0; i < borrowed_spans.size(); ++i)
        if (borrowed_spans[i].begin == address && --borrowed_spans[i].times == 0) {
            borrowed_spans[i] = borrowed_spans.back();
            borrowed_spans.pop_back();
            return;
        }
}

size_t borrowed_bytes(const void* address) {
    for (const Borrowed& span : borrowed_spans)
        if (address >= span.begin && address < span.end) return static_cast<size_t>(span.end - span.begin);
    return 0;
}

bool borrowed(const void* address) { return borrowed_bytes(address) > 0; }

// Of a tensor of Python's whose address is handed over as a number: for good, since nobody says until when.
extern "C" void simt_lend(const void* address, size_t bytes) { borrow(address, bytes); }

extern "C" bool simt_is_guarded(const void* address) { return region_near(address) != nullptr; }

// Addresses and sizes of the global memory that kernels may use, or of what host code allocated of it and has not freed,
// as far as there is room; returns how many there are.
extern "C" size_t simt_regions(bool buffers, size_t room, const void** addresses, size_t* sizes) {
    size_t number = 0;
    for (const Region* region = first_region; region; region = region->next) {
        if (region->unbacked || region->shared || (buffers && !region->buffer)) continue;
        if (number < room) addresses[number] = region->data, sizes[number] = region->bytes;
        ++number;
    }
    return number;
}

extern "C" void* simt_device_malloc(size_t bytes) { return allocate(bytes, "cudaMalloc buffer", false); }

static int64_t host_bytes;  // of tensors and buffers that came within reach of host code
void count_host_bytes(size_t bytes) {
    host_bytes += static_cast<int64_t>(bytes);
    host_has_read();
}

// What would come of memory that there is not is zero.
static void move(void* to, const void* from, size_t bytes) {
    if (is_unbacked(to)) return;
    if (is_unbacked(from)) memset(to, 0, bytes);
    else memmove(to, from, bytes);
}

static bool on_device(const void* address) {
    const Region* region = region_near(address);
    return region && !region->host;
}

extern "C" {
int64_t simt_host_bytes() { return host_bytes; }

void* simt_host_malloc(size_t bytes) {
    count_host_bytes(bytes);
    return allocate(bytes, "managed or pinned buffer", true);
}

// What the caller calls the direction counts only where it is to the host: an address says more.
void simt_copy(void* to, const void* from, size_t bytes, bool to_host) {
    const DeviceAccess access;
    auto is_variable = [](const void* at) { return is_static(static_cast<const char*>(at)); };
    const bool leaves = on_device(from) || is_variable(from);
    const bool arrives = on_device(to) || (is_variable(to) && !on_device(from));
    if (to_host || (leaves && !arrives)) count_host_bytes(bytes);
    if (on_device(from) && on_device(to)) count_moved_bytes(bytes);
    move(to, from, bytes);
    shadow_written(to, bytes);
}

// From one place on the device to a variable there.
void simt_copy_to_variable(void* to, const void* from, size_t bytes) {
    const DeviceAccess access;
    move(to, from, bytes);
    if (instrumented && on_device(from)) variable_written(to, bytes);
}
}

extern "C" void simt_set(void* to, int value, size_t bytes) {
    const DeviceAccess access;
    if (!is_unbacked(to)) memset(to, value, bytes);
    shadow_written(to, bytes);
}

extern "C" bool simt_device_free(void* pointer) {
    if (!pointer) return true;
    Region* region = region_near(pointer);
    if (!region || region->data != pointer) return false;
    region_open(region);
    record_damage(region, 0);
    region_destroy(region);
    return true;
}

}  // namespace simt
