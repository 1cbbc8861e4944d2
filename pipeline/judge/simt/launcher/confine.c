/* Gives up rights and becomes another program: in a millisecond, where Python would take twenty.
 *
 * confine [limit RESOURCE VALUE]... [landlock HEX_ATTRIBUTES] [allow RIGHTS PATH]... [filter FILE] -- PROGRAM [ARGUMENT]...
 *
 * The numbers are the kernel's; compiler.py computes them. Exits with 125 if anything is refused.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446, PATH_BENEATH = 1, SECCOMP_FILTER = 2 };

struct rule { uint64_t rights; int32_t fd; } __attribute__((packed));
struct program { unsigned short length; void* code; };

static void need(int ok, const char* what) {
    if (ok) return;
    fprintf(stderr, "confine: ");
    perror(what);
    exit(125);
}

static int create_ruleset(const char* hex) {
    unsigned char attributes[64];
    size_t size = strlen(hex) / 2;
    need(size <= sizeof attributes, "attributes");
    for (size_t i = 0; i < size; i++) sscanf(hex + 2 * i, "%2hhx", &attributes[i]);
    return (int)syscall(CREATE_RULESET, attributes, size, 0);
}

static void install_filter(const char* path) {
    static unsigned char code[65536];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    long size = file < 0 ? -1 : read(file, code, sizeof code);
    need(size > 0, path);
    struct program program = {(unsigned short)(size / 8), code};
    need(prctl(PR_SET_SECCOMP, SECCOMP_FILTER, &program, 0, 0) == 0, "seccomp");
}

int main(int argc, char** argv) {
    int ruleset = -1, i = 1;
    const char* filter = NULL;
    while (i < argc && strcmp(argv[i], "--") != 0) {
        if (strcmp(argv[i], "limit") == 0 && i + 2 < argc) {
            struct rlimit limit;
            int kind = atoi(argv[i + 1]);
            rlim_t value = strtoull(argv[i + 2], NULL, 10);
            need(getrlimit(kind, &limit) == 0, "getrlimit");
            if (value < limit.rlim_max) limit.rlim_max = value;
            limit.rlim_cur = limit.rlim_max;
            need(setrlimit(kind, &limit) == 0, "setrlimit");
            i += 3;
        } else if (strcmp(argv[i], "landlock") == 0 && i + 1 < argc) {
            ruleset = create_ruleset(argv[i + 1]);
            need(ruleset >= 0, "landlock");
            i += 2;
        } else if (strcmp(argv[i], "allow") == 0 && i + 2 < argc) {
            struct rule rule = {strtoull(argv[i + 1], NULL, 10), open(argv[i + 2], O_PATH | O_CLOEXEC)};
            need(rule.fd >= 0 && syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0) == 0, argv[i + 2]);
            close(rule.fd);
            i += 3;
        } else if (strcmp(argv[i], "filter") == 0 && i + 1 < argc) {
            filter = argv[i + 1];
            i += 2;
        } else {
            fprintf(stderr, "confine: what is %s?\n", argv[i]);
            return 125;
        }
    }
    need(i + 1 < argc && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    if (ruleset >= 0) {
        need(syscall(RESTRICT_SELF, ruleset, 0) == 0, "landlock");
        close(ruleset);
    }
    if (filter) install_filter(filter);
    execv(argv[i + 1], argv + i + 1);
    need(0, argv[i + 1]);
}
