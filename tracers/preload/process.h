// The life of a process with the shim in it.
#pragma once

#include "raw.h"

// In a child that has just been forked by `parent`, with memory of its own.
void process_forked(u32 parent);

// Files will be used that make no system calls.
void tell_io_uring(void);
