// Starting and watching child processes: the calls that Swift cannot import (the environment as a global, flags of
// the GNU library, a system call without a wrapper).
#ifndef ENLACE_CSUPERVISOR_H
#define ENLACE_CSUPERVISOR_H

#include <stdint.h>

// A pipe closed on exec, both ends above the three standard descriptors; 0, or -1 and errno.
int enlace_pipe(int *read_end, int *write_end);

// Starts the program at `path` with this process's environment, as the leader of a process group of its own, with
// `input` as standard input and `output` as standard output and error. Everything else is closed in the child, no
// signal is blocked, and all but an ignored SIGPIPE have their default action. 0, or the number of the error.
int enlace_spawn(int32_t *process, const char *path, char *const arguments[], int input, int output);

// A descriptor, closed on exec, that polls readable once the process has ended; -1 and errno on failure.
int enlace_watch_process(int32_t process);

// Lets this process see how its children end, whatever it inherited.
void enlace_expect_children(void);

// Collects a child that has ended. 1: `code` is its exit code and `signal` 0, or `signal` is what killed it; 0: it
// still runs; -1: nothing of it is left to collect.
int enlace_reap(int32_t process, int32_t *code, int32_t *signal);

#endif
