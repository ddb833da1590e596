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
    // With its block: a write through a map that finds no room ends the process.
    int made = fallocate(descriptor, 0, 0, 4096);
    if (made != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) made = ftruncate(descriptor, 4096);
    if (made == 0) page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
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

static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
enum { NUMBERS = sizeof numbers / sizeof *numbers };
static struct sigaction before[NUMBERS];

static void leave_word(int number, siginfo_t *info, void *context) {
    (void)context;
    enlace_flight_record *record = mine;
    if (record != NULL && record->cause == 0) record->cause = (uint32_t)number;
    // Whoever watched before us, such as the backtracer, comes next; else the process ends by the signal.
    for (int index = 0; index < NUMBERS; index++) {
        if (numbers[index] == number) sigaction(number, &before[index], NULL);
    }
    // Returning runs into the same fault again; a signal that was sent must be sent again, and comes on return.
    if (info->si_code <= 0) raise(number);
}

static void install_handlers(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = leave_word;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int index = 0; index < NUMBERS; index++) sigaction(numbers[index], &action, &before[index]);
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
    // The threads of a stage block all signals, and a fault whose signal is blocked ends the process without its handler.
    sigset_t faults;
    sigemptyset(&faults);
    for (int index = 0; index < NUMBERS; index++) sigaddset(&faults, numbers[index]);
    pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}
