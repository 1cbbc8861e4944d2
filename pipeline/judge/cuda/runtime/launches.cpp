// The record of kernels that an extension launched, which its own hooks (hooks/hooks.cpp) report.
#include <stdio.h>
#include <string.h>
#include <vector>
#include "storage.h"

namespace simt {

struct LaunchRecord {
    char kernel[512];  // a template's whole name: a part of it can't be read as one
    unsigned grid[3], block[3];
};
constexpr size_t kMaxRecords = 4096;
static std::vector<LaunchRecord> records;
static int64_t launch_count;
static bool launching = true;

extern "C" {

void simt_count_launch(const char* kernel, const unsigned* grid, const unsigned* block) {
    ++launch_count;
    if (records.size() >= kMaxRecords) return;
    LaunchRecord record = {};
    snprintf(record.kernel, sizeof record.kernel, "%s", kernel ? kernel : "");
    memcpy(record.grid, grid, sizeof record.grid);
    memcpy(record.block, block, sizeof record.block);
    records.push_back(record);
}
void simt_set_launching(bool on) { launching = on; }
bool simt_launching() { return launching; }
int64_t simt_launch_count() { return launch_count; }
const LaunchRecord* simt_launch_record(int64_t i) {
    return i < static_cast<int64_t>(records.size()) ? &records[static_cast<size_t>(i)] : nullptr;
}
void simt_reset_launches() {
    launch_count = 0;
    records.clear();
}

}  // extern "C"
}  // namespace simt
