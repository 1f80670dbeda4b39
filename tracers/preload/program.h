// What kind of program a file is: whether the shim can be in it.
#pragma once

#include "raw.h"

enum program_kind {
  // Nothing to execute there, or not to be read: the kernel will say.
  PROGRAM_UNKNOWN,
  // Text without `#!`: execve(2) refuses it, but execvp(3) has the shell read it.
  PROGRAM_TEXT,
  // A loader will load the shim.
  PROGRAM_DYNAMIC,
  // It makes system calls past every library: static, Go, of another width, or with instructions of its own.
  PROGRAM_OPAQUE,
  // It runs as somebody else, so that the loader ignores LD_PRELOAD.
  PROGRAM_PRIVILEGED,
  // A program of another machine, which some interpreter of the kernel's may run.
  PROGRAM_FOREIGN,
  // It can be executed and not be read.
  PROGRAM_UNREADABLE,
};

struct program {
  enum program_kind kind;
  // A library that must be the first of all, as the runtime of a sanitizer; empty: none.
  char first_library[64];
};

// Looks at what execve(2) would run: of a script, its interpreter.
void program_inspect(int dirfd, const char *path, struct program *program);
