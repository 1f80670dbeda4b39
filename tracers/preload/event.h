// The events of TRACE_FORMAT.md, section 3, and the process that tells them.
#pragma once

#include "path.h"

// Global id of this process, which is announced in the log if it is new: after vfork(2), or a fork that no hook saw.
u32 process_self(void);

// Process ids mean another thing from now on.
void process_ids_are_local(void);

// Children may come that share this memory, or that no hook sees: from now on, the kernel is asked who we are.
void process_may_have_guests(void);

// The owner of this memory: after an exec, or a fork that a hook saw. `parent` is 0 when it is known already.
void process_starts(u32 parent);

struct event_exec {
  const struct path *exe;
  const struct stat *stat;
  const struct path *script;
  // Null: no script.
  const struct stat *script_stat;
  // NUL-terminated words, one behind the other.
  const char *words;
  size_t words_length;
  // Or a vector; then `words` is null.
  char *const *argv;
};

void event_exec(const struct event_exec *exec);
void event_exit(u32 status);
void event_open(u32 flags, const struct path *path, const struct stat *stat, const struct stat *before, u64 at_ns);
void event_rename(u32 flags, const struct path *from, const struct path *to, const struct stat *stat,
                  const struct stat *replaced);
void event_link(const struct path *from, const struct path *to, const struct stat *stat);
void event_unlink(const struct path *path, const struct stat *stat);
void event_truncate(const struct path *path, const struct stat *before);
void event_utimes(const struct path *path, const struct stat *before, const struct stat *after);
void event_create(const struct path *path, const struct stat *stat);
void event_moved(const struct path *from, const struct path *to, const struct stat *stat);

// "process PID TEXT", with `object` (may be null) quoted in front of the last part.
void event_warning(const char *code, const char *text, const char *object, const char *tail);

// The flags as x86-64 numbers them.
u32 portable_open_flags(u32 flags);

enum { RENAME_WAS_EXCHANGE = 1 };
