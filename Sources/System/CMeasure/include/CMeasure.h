// Counts what a program allocates; for measurements only.
#ifndef CMEASURE_H
#define CMEASURE_H

#include <stdint.h>

// How many times memory was asked for since the program began, by any thread.
uint64_t measure_allocations(void);

#endif
