// Executing another program: the shim must be in it as well, or a tracer that sees what the shim cannot.
#pragma once

#include "raw.h"

// What shall be executed, as execveat(2) takes it.
struct target {
  int dirfd;
  const char *path;
  char *const *argv;
  char *const *envp;
  // Not what the caller asked for, but `roar`, which hands the process to a tracer: `path` is absolute.
  bool handed_over;
};

typedef long run_target(const struct target *target, void *context);

// Calls `run` with the environment, or the whole command line, changed so that the new program is seen. Everything that
// this needs is on the stack, as after vfork(2) the memory is somebody else's.
long with_watch(const struct target *target, run_target *run, void *context);

// execve(2), watched.
int watched_execve(const char *path, char *const argv[], char *const envp[]);

// For functions that start a shell with the environment of this process.
long with_watched_environ(run_target *run, void *context);

// Finds a program as execvp(3) does. Null: nothing is there.
const char *find_in_path(const char *file, char *into, size_t size);
