#define _GNU_SOURCE
#include "CPlatform.h"

#include <sys/syscall.h>
#include <sys/resource.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

int enlace_open(const char *path, int flags, unsigned mode) { return open(path, flags | O_CLOEXEC, mode); }

int enlace_lock_file(const char *path) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return -1;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        int saved = errno;
        close(descriptor);
        errno = saved;
        return -1;
    }
    return descriptor;
}

void enlace_unlock_file(int descriptor) {
    flock(descriptor, LOCK_UN);
    close(descriptor);
}

int enlace_reserve(int descriptor, int64_t start, int64_t count) {
    return fallocate(descriptor, FALLOC_FL_KEEP_SIZE, start, count);
}

int enlace_terminal_columns(int descriptor) {
    struct winsize size;
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int enlace_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void enlace_name_thread(const char *name) {
    char shortened[16] = {0};
    strncpy(shortened, name, sizeof shortened - 1);
    pthread_setname_np(pthread_self(), shortened);
}

int enlace_random(void *start, size_t count) {
    unsigned char *at = (unsigned char *)start;
    while (count > 0) {
        ssize_t filled = getrandom(at, count, 0);
        if (filled < 0 && errno != EINTR) return -1;
        if (filled > 0) {
            at += filled;
            count -= (size_t)filled;
        }
    }
    return 0;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

int enlace_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) uint32_t enlace_crc32c_hardware(uint32_t crc, const void *start, ptrdiff_t count) {
    const unsigned char *at = (const unsigned char *)start;
    uint64_t state = (uint32_t)~crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        state = _mm_crc32_u64(state, word);
        at += 8;
        count -= 8;
    }
    while (count-- > 0) state = _mm_crc32_u8((uint32_t)state, *at++);
    return ~(uint32_t)state;
}
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

int enlace_has_crc32c(void) { return 1; }

uint32_t enlace_crc32c_hardware(uint32_t crc, const void *start, ptrdiff_t count) {
    const unsigned char *at = (const unsigned char *)start;
    uint32_t state = ~crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        state = __crc32cd(state, word);
        at += 8;
        count -= 8;
    }
    while (count-- > 0) state = __crc32cb(state, *at++);
    return ~state;
}
#else
int enlace_has_crc32c(void) { return 0; }

uint32_t enlace_crc32c_hardware(uint32_t crc, const void *start, ptrdiff_t count) {
    (void)start;
    (void)count;
    return crc;
}
#endif

const void *enlace_find_bytes(const void *start, size_t count, const void *needle, size_t length) {
    return memmem(start, count, needle, length);
}

void enlace_yield_to_others(void) {
    // On Linux a nice value belongs to a thread; who cannot be given one goes on as before.
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 15);
}
