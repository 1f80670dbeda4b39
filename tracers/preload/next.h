// The functions that the hooks replace: the next ones of their names, behind the shim.
#pragma once

#include "raw.h"

// Null: no library has it.
void *next_function(const char *name);

// The shim has been loaded by dlopen(3): nothing is behind it, libc is somewhere before.
void next_is_anywhere(void);

// The next function of a name, as a function of the type of the present one; looked up once.
#define NEXT(name)                                                 \
  ({                                                               \
    static void *slot;                                             \
    void *found = __atomic_load_n(&slot, __ATOMIC_RELAXED);        \
    if (__builtin_expect(!found, 0)) {                             \
      found = next_function(#name);                                \
      __atomic_store_n(&slot, found, __ATOMIC_RELAXED);            \
    }                                                              \
    (__typeof__(&name))found;                                      \
  })
