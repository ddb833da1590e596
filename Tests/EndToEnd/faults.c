// Preloaded into the programs under test: makes writes and syncs fail for files whose path has a text, while the file
// that ENLACE_TEST_FAULTS names is there. Its lines: calls joined by commas, EIO or ENOSPC or EROFS, the text.
// Each failure leaves a byte in that file's neighbour `.hits`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int has(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        int begins = at == list || at[-1] == ',';
        int ends = at[length] == 0 || at[length] == ',';
        if (begins && ends) return 1;
    }
    return 0;
}

// The error that a call on this file is to fail with, or 0.
static int fault(const char *call, int descriptor) {
    const char *trigger = getenv("ENLACE_TEST_FAULTS");
    if (trigger == NULL) return 0;
    int saved = errno;
    int file = (int)syscall(SYS_openat, AT_FDCWD, trigger, O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) {
        errno = saved;
        return 0;
    }
    char text[1024], link[64], path[4096];
    ssize_t count = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    int number = 0;
    if (count > 0 && length > 0) {
        text[count] = 0;
        path[length] = 0;
        char *rest = NULL;
        for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
            char calls[256], error[16], part[256];
            if (sscanf(line, "%255s %15s %255s", calls, error, part) != 3) continue;
            if (!has(calls, call) || strstr(path, part) == NULL) continue;
            number = strcmp(error, "ENOSPC") == 0 ? ENOSPC : strcmp(error, "EROFS") == 0 ? EROFS : EIO;
        }
    }
    if (number != 0) {
        snprintf(path, sizeof path, "%s.hits", trigger);
        int hits = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (hits >= 0) {
            syscall(SYS_write, hits, "x", 1);
            syscall(SYS_close, hits);
        }
    }
    errno = saved;
    return number;
}

#define FAIL_IF_ASKED(call, descriptor)             \
    do {                                            \
        int number_ = fault(call, descriptor);      \
        if (number_ != 0) {                         \
            errno = number_;                        \
            return -1;                              \
        }                                           \
    } while (0)

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    FAIL_IF_ASKED("pwrite", descriptor);
    return syscall(SYS_pwrite64, descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return pwrite(descriptor, bytes, count, offset);
}

ssize_t pwritev(int descriptor, const struct iovec *parts, int count, off_t offset) {
    FAIL_IF_ASKED("pwrite", descriptor);
    return syscall(SYS_pwritev, descriptor, parts, count, offset, 0);
}

ssize_t pwritev64(int descriptor, const struct iovec *parts, int count, off64_t offset) {
    return pwritev(descriptor, parts, count, offset);
}

int fsync(int descriptor) {
    FAIL_IF_ASKED("fsync", descriptor);
    return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
    FAIL_IF_ASKED("fdatasync", descriptor);
    return (int)syscall(SYS_fdatasync, descriptor);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    FAIL_IF_ASKED("write", descriptor);
    return syscall(SYS_write, descriptor, bytes, count);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    FAIL_IF_ASKED("write", descriptor);
    return syscall(SYS_writev, descriptor, parts, count);
}
