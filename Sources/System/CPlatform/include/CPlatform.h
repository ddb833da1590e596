// Small faces of the operating system and the processor that Swift cannot import: variadic calls, intrinsics and
// headers that the Glibc module leaves out. No system header is included here but for the integer types: a type that
// two modules include would belong to the one that comes first.
#ifndef ENLACE_CPLATFORM_H
#define ENLACE_CPLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "CrashPoints.h"
#include "FlightRecord.h"

// Opens a file (made with `mode` where `flags` has O_CREAT), closed on exec; -1 and errno on failure.
int enlace_open(const char *path, int flags, unsigned mode);

// Opens `path`, made with mode 0600 when missing, and takes an exclusive advisory lock on it without waiting. Returns
// the descriptor, or -1 with errno = EWOULDBLOCK when another process has it.
int enlace_lock_file(const char *path);

// Gives the lock back and closes the descriptor. Closing alone would not do: a child on its way from fork to exec has a
// copy of the descriptor, and keeps what is locked locked.
void enlace_unlock_file(int descriptor);

// Asks the filesystem for room behind `start` without changing the file's size; 0, or -1 and errno.
int enlace_reserve(int descriptor, int64_t start, int64_t count);

// An eventfd at zero that neither blocks nor survives exec; -1 and errno on failure.
int enlace_eventfd(void);

// Fills memory with random bytes of the kernel; 0, or -1 and errno when the kernel cannot.
int enlace_random(void *start, size_t count);

// Names the calling thread; the first 15 bytes count.
void enlace_name_thread(const char *name);

// Whether the processor has the instruction that enlace_crc32c_hardware needs.
int enlace_has_crc32c(void);

// Extends a finished CRC-32C over `count` more bytes. Call it only where enlace_has_crc32c says so.
uint32_t enlace_crc32c_hardware(uint32_t crc, const void *start, ptrdiff_t count);

// Where `needle` first lies in memory; NULL when it does not.
const void *enlace_find_bytes(const void *start, size_t count, const void *needle, size_t length);

// How many columns the terminal behind a descriptor has; 0 when it is none or does not say.
int enlace_terminal_columns(int descriptor);

// Gives the calling thread less of the processor than the others get, for work that nobody waits for.
void enlace_yield_to_others(void);

#endif
