// Shadow memory: for every four bytes of tensors and shared arrays, who wrote them last, who read them, and which of
// them were written at all. It finds races and reads of what nobody wrote.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "instrument.h"

namespace simt {

constexpr size_t kCellBytes = 4;

// Of four bytes; a mask has a bit for each.
struct Cell {
    Stamp write, read, other_read;  // `other_read` is by another thread than `read`
    uint8_t write_mask, read_mask, other_mask;
    uint8_t written;
    bool several_writers;  // all of one value
};

// A write that conflicts with an earlier access. Whether it changed anything is known once it has happened: threads
// that all write the value that is there already do no harm.
static struct {
    Region* region;
    Access access;
    char before[16];
    Stamp earlier;
    bool after_write;
} doubtful;

// A plain read of what another thread changes with atomics. It does no harm as the guess that a loop around atomicCAS
// begins with: then the thread's next access is an atomic one of that address.
static struct {
    const Region* region;
    Access access;
    Stamp earlier;
} guess;

static Cell* cells_of(Region* region) {
    if (!region->shadow) {
        const size_t count = (region->bytes + kCellBytes - 1) / kCellBytes;
        void* map = mmap(nullptr, count * sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED) return nullptr;  // too large to be watched
        region->shadow = map;
    }
    return static_cast<Cell*>(region->shadow);
}

void shadow_forget(Region* region) {
    const size_t bytes = (region->bytes + kCellBytes - 1) / kCellBytes * sizeof(Cell);
    if (doubtful.region == region) doubtful.region = nullptr;
    if (guess.region == region) guess.region = nullptr;
    if (region->shadow) munmap(region->shadow, bytes);
    region->shadow = nullptr;
}

// Calls visit(cell, mask of the accessed bytes in it) for all cells of an access.
template <class F>
static void for_cells(Region* region, Cell* cells, const char* address, size_t bytes, F visit) {
    const auto first = static_cast<size_t>(address - region->data), last = first + bytes;
    for (size_t c = first / kCellBytes; c * kCellBytes < last; ++c) {
        const size_t from = c * kCellBytes < first ? first - c * kCellBytes : 0;
        const size_t to = last - c * kCellBytes < kCellBytes ? last - c * kCellBytes : kCellBytes;
        visit(cells[c], static_cast<uint8_t>((1u << to) - (1u << from)));
    }
}

static bool conflict(const Stamp& earlier, uint8_t earlier_mask, const Access& access, uint8_t mask) {
    if (!earlier.interval || !(earlier_mask & mask) || (earlier.atomic && access.stamp.atomic)) return false;
    return !ordered(earlier);
}

// Of a race whose writes are all atomic, and which a kernel may intend (a look before an atomicMax), the kind differs.
static void report_race(const Region* region, const Access& access, const Stamp& earlier, bool after_write) {
    const char* what = after_write ? "what another thread wrote" : "what another thread read";
    const bool intended = after_write ? earlier.atomic && !access.write : access.stamp.atomic;
    char name[160], text[sizeof(FaultRecord::detail)];
    snprintf(text, sizeof text, "%s %s, with no barrier in between, at byte %td of a %s",
             access.write ? "writes" : "reads", what, access.address - region->data,
             memory_name(region, name, sizeof name));
    report(intended ? "race_with_atomic" : "race", text, access.stamp, &earlier);
}

static void note_write(Region* region, Cell* cells, const Access& access) {
    for_cells(region, cells, access.address, access.bytes, [&](Cell& cell, uint8_t mask) {
        const bool same = cell.write.interval == access.stamp.interval && cell.write.thread == access.stamp.thread;
        cell.write_mask = same ? cell.write_mask | mask : mask;
        cell.write = access.stamp;
        cell.written |= mask;
        cell.several_writers = false;
    });
}

void shadow_settle(const void* next) {
    if (guess.region && !(next == guess.access.address && current_thread() == guess.access.stamp.thread))
        report_race(guess.region, guess.access, guess.earlier, true);
    guess.region = nullptr;
    if (!doubtful.region) return;
    Region* region = doubtful.region;
    doubtful.region = nullptr;
    Cell* cells = cells_of(region);
    const Access& access = doubtful.access;
    if (memcmp(access.address, doubtful.before, access.bytes) == 0) {
        for_cells(region, cells, access.address, access.bytes, [&](Cell& cell, uint8_t mask) {
            cell.written |= mask;
            cell.several_writers = true;
        });
        return;
    }
    note_write(region, cells, access);
    report_race(region, access, doubtful.earlier, doubtful.after_write);
}

static void write(Region* region, Cell* cells, const Access& access) {
    const Stamp* earlier = nullptr;
    bool after_write = false;
    for_cells(region, cells, access.address, access.bytes, [&](const Cell& cell, uint8_t mask) {
        if (earlier) return;
        if (conflict(cell.write, cell.write_mask, access, mask)) earlier = &cell.write, after_write = true;
        else if (conflict(cell.read, cell.read_mask, access, mask)) earlier = &cell.read;
        else if (conflict(cell.other_read, cell.other_mask, access, mask)) earlier = &cell.other_read;
    });
    if (!earlier || access.bytes > sizeof doubtful.before) return note_write(region, cells, access);
    doubtful = {region, access, {}, *earlier, after_write};
    memcpy(doubtful.before, access.address, access.bytes);
}

static void read(Region* region, Cell* cells, const Access& access) {
    for_cells(region, cells, access.address, access.bytes, [&](Cell& cell, uint8_t mask) {
        if (!region->host_wrote && (cell.written & mask) != mask) {
            char name[160], text[sizeof(FaultRecord::detail)];
            snprintf(text, sizeof text, "reads byte %td of a %s, which %s has written", access.address - region->data,
                     memory_name(region, name, sizeof name), region->shared ? "no thread of this block" : "nobody");
            report("uninitialised_read", text, access.stamp, nullptr);
        }
        if (!cell.several_writers && conflict(cell.write, cell.write_mask, access, mask)) {
            if (cell.write.atomic) guess = {region, access, cell.write};
            else report_race(region, access, cell.write, true);
        }
        const bool same = cell.read.interval == access.stamp.interval && cell.read.thread == access.stamp.thread &&
                          cell.read.clock == access.stamp.clock;
        if (cell.read.thread != access.stamp.thread) cell.other_read = cell.read, cell.other_mask = cell.read_mask;
        cell.read_mask = same ? cell.read_mask | mask : mask;
        cell.read = access.stamp;
    });
}

void shadow_access(Region* region, const Access& access) {
    Cell* cells = cells_of(region);
    if (!cells) return;
    if (access.write) write(region, cells, access);
    else read(region, cells, access);
}

void shadow_written(const void* address, size_t bytes) {
    if (!instrumented) return;
    Region* region = region_near(address);
    if (!region || region->host_wrote) return;
    auto* from = static_cast<const char*>(address);
    const char *end = region->data + region->bytes, *to = from + bytes < end ? from + bytes : end;
    Cell* cells = cells_of(region);
    if (from < region->data || from >= to || !cells) return;
    for_cells(region, cells, from, static_cast<size_t>(to - from),
              [](Cell& cell, uint8_t mask) { cell.written |= mask; });
}

}  // namespace simt
