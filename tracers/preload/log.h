// The shared log of a run, `trace.preload` (TRACE_FORMAT.md, section 2): written by all processes of the job at once.
#pragma once

#include "raw.h"

// Maps the log of the run directory. False: it cannot be reached; then nothing is ever written.
bool log_map(const char *rundir);

// Before another log is mapped.
void log_forget(void);

// Whether events go anywhere.
bool log_is_mapped(void);

// True when the log can be opened by this process as it is now: its user, its root.
bool log_is_reachable(void);

// What all processes of the run share besides: hashes of what has been said already, or found out. A hash of 64 bits never
// meets another one in practice. Returns whether it was there; it is from now on.
bool shared_remember(u64 hash);
bool shared_knows(u64 hash);

static inline u64 hash_word(u64 hash, u64 value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15;
  return hash ^ hash >> 29;
}
u64 hash_text(u64 hash, const char *text, size_t length);
u64 hash_stat(u64 hash, const struct stat *stat);

// Counts what can change the meaning of a name: directories and links that are moved, made or removed, by any process of
// the run. Odd: a process does so unseen by the shims, and nothing may be concluded from it.
u64 shared_names_version(void);
void shared_names_changed(void);
void shared_names_are_unknown(void);

// Nanoseconds since the start of the run.
u64 log_now(void);

// A frame that is being written, in place.
struct frame {
  u8 *start;
  u8 *at;
  u32 length;
};

// Longest frame, as every reader has it.
enum { FRAME_MAX = 1 << 20, FRAME_HEAD = 24 };

// Reserves room for an event whose fields take `size` bytes. False: there is none, and it is counted as lost.
bool frame_begin(struct frame *frame, u8 kind, u32 pid, u64 at_ns, u32 size);

// Makes the frame valid. All its fields have been written.
void frame_end(struct frame *frame);

void frame_u32(struct frame *frame, u32 value);
void frame_bytes(struct frame *frame, const void *bytes, u32 count);
