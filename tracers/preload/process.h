// The life of a process with the shim in it.
#pragma once

#include "raw.h"

// In a child that has just been forked by `parent`, with memory of its own.
void process_forked(u32 parent);

// From here on nothing is told.
void process_is_left_alone(void);

// Files will be used that make no system calls.
void tell_io_uring(void);
