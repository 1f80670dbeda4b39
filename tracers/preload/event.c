#include "event.h"

#include "log.h"

enum kind { FORK = 1, EXEC, EXIT, OPEN, RENAME, LINK, UNLINK, TRUNCATE, UTIMES, CREATE, INHERIT, MOVED, WARNING };
enum { STAT_SIZE = 48 };

// --- who ---------------------------------------------------------------------------------------------------------------

// Process ids: as getpid(2) has them here, perhaps in a namespace of its own, and as /proc has them.
struct id {
  u32 local, global;
};

// Whose memory this is; children that share it, or that no hook saw being forked, are guests.
static struct id owner;
enum { GUESTS = 64 };
static struct id guests[GUESTS];
static u32 guest_count;

// A namespace of process ids was made, or entered.
static bool other_namespace;
void process_ids_are_local(void) { other_namespace = true; }

static u32 global_of(u32 local) {
  // Known already of a process that is in the namespace of /proc, as its ancestors are.
  if (owner.local && owner.local == owner.global && !other_namespace) return local;
  char text[24];
  long length = raw_readlink("/proc/self", text, sizeof text - 1);
  if (length <= 0) return local;
  text[length] = 0;
  const char *at = text;
  u64 number = take_number(&at);
  return number ? (u32)number : local;
}

static void say_fork(u32 pid, u32 parent) {
  struct frame frame;
  if (!frame_begin(&frame, FORK, pid, log_now(), 4)) return;
  frame_u32(&frame, parent);
  frame_end(&frame);
}

static const struct id *find_guest(u32 local) {
  for (int at = 0; at < GUESTS; at++)
    if (guests[at].local == local) return &guests[at];
  return NULL;
}

static u32 welcome(u32 local) {
  struct id guest = {local, global_of(local)};
  u32 parent = (u32)raw(SYS_getppid);
  if (guest.global != local || (parent != owner.local && !find_guest(parent))) parent = owner.global;
  guests[__atomic_fetch_add(&guest_count, 1, __ATOMIC_RELAXED) % GUESTS] = guest;
  say_fork(guest.global, parent);
  return guest.global;
}

static bool may_have_guests;
void process_may_have_guests(void) { may_have_guests = true; }

u32 process_self(void) {
  if (!may_have_guests) return owner.global;
  u32 local = (u32)raw(SYS_getpid);
  if (local == owner.local) return owner.global;
  const struct id *guest = find_guest(local);
  return guest ? guest->global : welcome(local);
}

void process_starts(u32 parent) {
  u32 local = (u32)raw(SYS_getpid);
  // The id that comes with an exec is the one of /proc.
  owner = (struct id){local, local == parent ? local : global_of(local)};
  for (int at = 0; at < GUESTS; at++) guests[at] = (struct id){0, 0};
  guest_count = 0;
  may_have_guests = false;
  if (parent && parent != owner.global) say_fork(owner.global, parent);
}

// --- what --------------------------------------------------------------------------------------------------------------

static void put_stat(struct frame *frame, const struct stat *stat) {
  u64 fields[6] = {
      stat->st_dev,
      stat->st_ino,
      (u64)stat->st_size,
      (u64)stat->st_mtim.tv_sec * 1000000000 + (u64)stat->st_mtim.tv_nsec,
      (u64)stat->st_ctim.tv_sec * 1000000000 + (u64)stat->st_ctim.tv_nsec,
      stat->st_mode,
  };
  _Static_assert(sizeof fields == STAT_SIZE, "TRACE_FORMAT.md, section 3");
  __builtin_memcpy(frame->at, fields, sizeof fields);
  frame->at += sizeof fields;
}

static void put_maybe(struct frame *frame, const struct stat *stat) {
  *frame->at++ = stat != NULL;
  if (stat) put_stat(frame, stat);
}

static u32 maybe_size(const struct stat *stat) { return 1 + (stat ? STAT_SIZE : 0); }
static u32 path_size(const struct path *path) { return 4 + (path ? path->length : 0); }
static void put_path(struct frame *frame, const struct path *path) {
  frame_bytes(frame, path ? path->text : "", path ? path->length : 0);
}

static bool begin(struct frame *frame, enum kind kind, u32 size) {
  // The process first: it may have to be announced, at an earlier time.
  u32 pid = process_self();
  return frame_begin(frame, (u8)kind, pid, log_now(), size);
}

void event_open(u32 flags, const struct path *path, const struct stat *stat, const struct stat *before, u64 at_ns) {
  struct frame frame;
  u32 pid = process_self();
  u32 size = 4 + path_size(path) + STAT_SIZE + maybe_size(before);
  if (!frame_begin(&frame, OPEN, pid, at_ns ? at_ns : log_now(), size)) return;
  frame_u32(&frame, portable_open_flags(flags));
  put_path(&frame, path);
  put_stat(&frame, stat);
  put_maybe(&frame, before);
  frame_end(&frame);
}

void event_rename(u32 flags, const struct path *from, const struct path *to, const struct stat *stat,
                  const struct stat *replaced) {
  struct frame frame;
  if (!begin(&frame, RENAME, 4 + path_size(from) + path_size(to) + STAT_SIZE + maybe_size(replaced))) return;
  frame_u32(&frame, flags);
  put_path(&frame, from);
  put_path(&frame, to);
  put_stat(&frame, stat);
  put_maybe(&frame, replaced);
  frame_end(&frame);
}

static void say_two(enum kind kind, const struct path *from, const struct path *to, const struct stat *stat) {
  struct frame frame;
  if (!begin(&frame, kind, path_size(from) + path_size(to) + STAT_SIZE)) return;
  put_path(&frame, from);
  put_path(&frame, to);
  put_stat(&frame, stat);
  frame_end(&frame);
}

void event_link(const struct path *from, const struct path *to, const struct stat *stat) { say_two(LINK, from, to, stat); }
void event_moved(const struct path *from, const struct path *to, const struct stat *stat) { say_two(MOVED, from, to, stat); }

static void say_one(enum kind kind, const struct path *path, const struct stat *stat) {
  struct frame frame;
  if (!begin(&frame, kind, path_size(path) + STAT_SIZE)) return;
  put_path(&frame, path);
  put_stat(&frame, stat);
  frame_end(&frame);
}

void event_unlink(const struct path *path, const struct stat *stat) { say_one(UNLINK, path, stat); }
void event_truncate(const struct path *path, const struct stat *before) { say_one(TRUNCATE, path, before); }
void event_create(const struct path *path, const struct stat *stat) { say_one(CREATE, path, stat); }

void event_utimes(const struct path *path, const struct stat *before, const struct stat *after) {
  struct frame frame;
  if (!begin(&frame, UTIMES, path_size(path) + 2 * STAT_SIZE)) return;
  put_path(&frame, path);
  put_stat(&frame, before);
  put_stat(&frame, after);
  frame_end(&frame);
}

void event_exit(u32 status) {
  struct frame frame;
  if (!begin(&frame, EXIT, 4)) return;
  frame_u32(&frame, status);
  frame_end(&frame);
}

// Words of a command line, those left out that would make the frame too long.
struct words {
  const struct event_exec *exec;
  size_t at;
  u32 index;
};

static const char *next_word(struct words *words) {
  if (words->exec->argv) return words->exec->argv[words->index] ? words->exec->argv[words->index++] : NULL;
  if (!words->exec->words || words->at >= words->exec->words_length) return NULL;
  const char *word = words->exec->words + words->at;
  words->at += length_of(word) + 1;
  return word;
}

void event_exec(const struct event_exec *exec) {
  u32 size = STAT_SIZE + path_size(exec->exe) + path_size(exec->script) + maybe_size(exec->script_stat) + 4;
  u32 count = 0;
  struct words words = {exec, 0, 0};
  for (const char *word; (word = next_word(&words)); count++) {
    size_t length = length_of(word) + 4;
    if (size + length > FRAME_MAX - FRAME_HEAD - 8) break;
    size += (u32)length;
  }
  struct frame frame;
  if (!begin(&frame, EXEC, size)) return;
  put_stat(&frame, exec->stat);
  put_path(&frame, exec->exe);
  put_path(&frame, exec->script);
  put_maybe(&frame, exec->script_stat);
  frame_u32(&frame, count);
  words = (struct words){exec, 0, 0};
  for (; count; count--) {
    const char *word = next_word(&words);
    frame_bytes(&frame, word, (u32)length_of(word));
  }
  frame_end(&frame);
}

void event_warning(const char *code, const char *text, const char *object, const char *tail) {
  char message[PATH_MAX + 256];
  char *at = put_text(message, "process ");
  at = put_number(at, process_self());
  at = put_text(at, text);
  if (object && length_of(object) < PATH_MAX) {
    *at++ = '`';
    at = put_text(at, object);
    *at++ = '`';
  }
  at = put_text(at, tail);
  u32 length = (u32)(at - message);
  struct frame frame;
  if (!begin(&frame, WARNING, 4 + (u32)length_of(code) + 4 + length)) return;
  frame_bytes(&frame, code, (u32)length_of(code));
  frame_bytes(&frame, message, length);
  frame_end(&frame);
}

u32 portable_open_flags(u32 flags) {
#if defined(__aarch64__)
  // arch/arm64/include/uapi/asm/fcntl.h: here, on x86-64.
  static const u32 MOVED_BITS[4][2] = {{040000, 0200000}, {0100000, 0400000}, {0200000, 040000}, {0400000, 0100000}};
  u32 all = 0, moved = 0;
  for (int at = 0; at < 4; at++) {
    all |= MOVED_BITS[at][0];
    if (flags & MOVED_BITS[at][0]) moved |= MOVED_BITS[at][1];
  }
  return (flags & ~all) | moved;
#else
  return flags;
#endif
}
