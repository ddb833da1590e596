#define _GNU_SOURCE
#include "FlightRecord.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CPlatform.h"

static __thread enlace_flight_record *mine;
static pthread_once_t handlers_once = PTHREAD_ONCE_INIT;

int enlace_flight_open(const char *path, enlace_flight_record **record) {
    int descriptor = enlace_lock_file(path);
    if (descriptor < 0) return -1;
    void *page = MAP_FAILED;
    if (ftruncate(descriptor, 4096) == 0) page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (page == MAP_FAILED) {
        int saved = errno;
        close(descriptor);
        errno = saved;
        return -1;
    }
    *record = (enlace_flight_record *)page;
    (*record)->magic = ENLACE_FLIGHT_MAGIC;
    return descriptor;
}

void enlace_flight_close(int descriptor, enlace_flight_record *record) {
    if (mine == record) mine = NULL;
    munmap(record, 4096);
    close(descriptor);
}

int enlace_flight_collect(const char *path, enlace_flight_record *record) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return -1;
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        close(descriptor);
        return 1;
    }
    ssize_t count = pread(descriptor, record, sizeof *record, 0);
    // Whoever unlinks it has the lock: nobody else reports the same death.
    int isFirst = unlink(path) == 0;
    close(descriptor);
    return isFirst && count == (ssize_t)sizeof *record && record->magic == ENLACE_FLIGHT_MAGIC ? 0 : -1;
}

static void leave_word(int number) {
    enlace_flight_record *record = mine;
    if (record != NULL && record->cause == 0) record->cause = (uint32_t)number;
    // SA_RESETHAND: returning runs into the same fault again, and then the process ends by it.
}

static void install_handlers(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = leave_word;
    action.sa_flags = SA_RESETHAND | SA_ONSTACK;
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction present;
        // A sanitizer's or a debugger's handler stays.
        if (sigaction(numbers[index], NULL, &present) == 0 && present.sa_handler == SIG_DFL)
            sigaction(numbers[index], &action, NULL);
    }
}

void enlace_flight_watch(enlace_flight_record *record) {
    // A stack of its own, so that an overflow of the thread's stack can still be told.
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    stack.ss_size = 65536;
    stack.ss_sp = malloc(stack.ss_size);
    if (stack.ss_sp != NULL) sigaltstack(&stack, NULL);
    mine = record;
    pthread_once(&handlers_once, install_handlers);
}
