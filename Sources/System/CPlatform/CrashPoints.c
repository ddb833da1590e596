#define _GNU_SOURCE
#include "CrashPoints.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const names[] = {
#define ENLACE_POINT(name, text) text,
    ENLACE_CRASH_POINTS(ENLACE_POINT)
#undef ENLACE_POINT
};

enum { POINTS = sizeof names / sizeof names[0], EVENTS = 16 };

struct armed {
    EnlaceCrashAction action;
    unsigned count;
    unsigned nth;
    atomic_uint hits;
};

static struct armed points[POINTS];
static struct armed events[EVENTS];
static char *event_texts[EVENTS];
static int event_count;
static char *directory;

int enlace_crash_is_armed;

const char *enlace_crash_name(int point) { return point >= 0 && point < POINTS ? names[point] : NULL; }

void enlace_crash_directory(const char *path) {
    free(directory);
    directory = strdup(path);
}

int enlace_crash_arm(EnlaceCrashPoint point, EnlaceCrashAction action, unsigned count, unsigned nth) {
    if ((int)point < 0 || point >= POINTS || points[point].count != 0 || count == 0) return -1;
    points[point].action = action;
    points[point].count = count;
    points[point].nth = nth;
    enlace_crash_is_armed = 1;
    return 0;
}

int enlace_crash_arm_event(const char *text, EnlaceCrashAction action, unsigned count) {
    if (event_count == EVENTS || *text == 0) return -1;
    event_texts[event_count] = strdup(text);
    if (event_texts[event_count] == NULL) return -1;
    events[event_count].action = action;
    events[event_count].count = count;
    event_count++;
    enlace_crash_is_armed = 1;
    return 0;
}

// Makes the first token that is not there yet; 0 when all of them are.
static int claim(const char *name, unsigned count) {
    char path[4096];
    for (unsigned number = 1; number <= count; number++) {
        int length = snprintf(path, sizeof path, "%s/%s.%u", directory, name, number);
        if (length < 0 || (size_t)length >= sizeof path) return 0;
        int token = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (token >= 0) {
            dprintf(token, "%d\n", (int)getpid());
            close(token);
            return 1;
        }
        if (errno != EEXIST) return 0;
    }
    return 0;
}

static void act(const char *name, EnlaceCrashAction action) {
    static const char *const words[] = {"kill", "segv", "abort", "hang", "loop"};
    char line[512];
    int length = snprintf(line, sizeof line, "crash point %s: %s\n", name, words[action]);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) {
        // Nobody reads it any more.
    }
    // A death that was ordered leaves no core behind.
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    switch (action) {
    case EnlaceCrashActionSegv: {
        // A fault as a broken pointer makes it: whoever watches for faults sees this one too, and in a thread that blocks
        // its signal the kernel ends the process at once.
        volatile int *volatile nowhere = (volatile int *)sizeof(int);
        *nowhere = 1;
        break;
    }
    case EnlaceCrashActionAbort: abort();
    case EnlaceCrashActionKill: kill(getpid(), SIGKILL); break;
    case EnlaceCrashActionHang: break;
    case EnlaceCrashActionLoop:
        for (volatile unsigned turns = 0;; turns++) {
        }
    }
    for (;;) pause();
}

void enlace_crash_reached(EnlaceCrashPoint point) {
    struct armed *armed = &points[point];
    if (armed->count == 0 || atomic_fetch_add(&armed->hits, 1) + 1 < armed->nth) return;
    if (claim(names[point], armed->count)) act(names[point], armed->action);
}

void enlace_crash_event_reached(const void *start, size_t count) {
    for (int index = 0; index < event_count; index++) {
        const char *text = event_texts[index];
        if (memmem(start, count, text, strlen(text)) == NULL) continue;
        char name[256];
        snprintf(name, sizeof name, "enrich.event~%s", text);
        if (events[index].count == 0 || claim(name, events[index].count)) act(name, events[index].action);
    }
}
