// Lock-free: a frame is taken by a compare-and-swap of its length word, and becomes valid with its CRC, which is written
// last. A writer that is killed in between leaves a frame that readers skip. No descriptor stays open.
#include "log.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "crc_table.h"

struct header {
  char magic[8];
  u32 version, flags;
  u64 start_ns;
  // Hint: no frame before it is free.
  u64 tail;
  u64 lost;
  // Bytes that have been allocated.
  u64 size;
  // Of the writers alone, readers see zeros or ignore them.
  u64 names_version;
  u64 names_unknown;
};
_Static_assert(sizeof(struct header) == 64, "TRACE_FORMAT.md, section 2");

// The file is mapped piece by piece, as it is needed, and never unmapped: another thread may be writing. Pieces overlap,
// so that a frame lies wholly in the piece that it begins in.
enum { WINDOW = 4 << 20, WINDOWS = 1024, GROWTH = 1 << 20 };

// Behind the header, in a frame that readers skip.
enum { TABLE = 4096 };
struct table_frame {
  u32 length, crc;
  u8 kind, zero[3];
  u32 pid;
  u64 at_ns;
  u64 hashes[TABLE];
};
_Static_assert(sizeof(struct table_frame) == FRAME_HEAD + TABLE * 8, "as launcher/src/preload.rs makes it");

static struct header *header;
static struct table_frame *table;
static u8 *windows[WINDOWS];
static char log_path[4096];

WEAK int clock_gettime(clockid_t clock, struct timespec *now);

static u8 *window(u64 number) {
  if (number >= WINDOWS) return NULL;
  u8 *mapped = __atomic_load_n(&windows[number], __ATOMIC_ACQUIRE);
  if (mapped) return mapped;
  long fd = raw_open(log_path, O_RDWR | O_NOFOLLOW);
  if (fd < 0) return NULL;
  long address = raw(SYS_mmap, 0, WINDOW + FRAME_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, number * WINDOW);
  raw_close(fd);
  if (address < 0 && address > -4096) return NULL;
  if (!__atomic_compare_exchange_n(&windows[number], &mapped, (u8 *)address, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    raw(SYS_munmap, address, WINDOW + FRAME_MAX);
    return mapped;
  }
  return (u8 *)address;
}

bool log_map(const char *rundir) {
  static const char NAME[] = "/trace.preload";
  size_t length = length_of(rundir);
  if (length + sizeof NAME > sizeof log_path) return false;
  copy(log_path, rundir, length);
  copy(log_path + length, NAME, sizeof NAME);
  struct header *mapped = (struct header *)window(0);
  if (!mapped) return false;
  if (!same_bytes(mapped->magic, "ROARTRAC", 8) || mapped->version != 2) return false;
  struct table_frame *first = (struct table_frame *)(mapped + 1);
  if (first->length != sizeof *first || first->kind != 0) return false;
  table = first;
  header = mapped;
  return true;
}

void log_forget(void) {
  header = NULL;
  for (int at = 0; at < WINDOWS; at++) windows[at] = NULL;
}

bool log_is_mapped(void) { return header != NULL; }

bool log_is_reachable(void) {
  struct stat stat;
  long fd = raw_open(log_path, O_RDWR | O_NOFOLLOW);
  if (fd < 0) return false;
  bool known = raw_fstat((int)fd, &stat) == 0;
  raw_close(fd);
  // Capabilities may have opened it, and not survive the exec.
  u32 user = (u32)raw(SYS_geteuid);
  return known && (user == 0 || user == stat.st_uid);
}

bool shared_knows(u64 hash) { return __atomic_load_n(&table->hashes[hash % TABLE], __ATOMIC_RELAXED) == hash; }

bool shared_remember(u64 hash) {
  if (shared_knows(hash)) return true;
  __atomic_store_n(&table->hashes[hash % TABLE], hash, __ATOMIC_RELAXED);
  return false;
}

u64 hash_text(u64 hash, const char *text, size_t length) {
  size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    u64 word;
    __builtin_memcpy(&word, text + at, sizeof word);
    hash = hash_word(hash, word);
  }
  for (; at < length; at++) hash = hash_word(hash, (u8)text[at]);
  return hash;
}

u64 hash_stat(u64 hash, const struct stat *stat) {
  hash = hash_word(hash_word(hash, stat->st_ino), stat->st_dev);
  hash = hash_word(hash, (u64)stat->st_mtim.tv_sec << 30 ^ (u64)stat->st_mtim.tv_nsec);
  return hash_word(hash, (u64)stat->st_ctim.tv_sec << 30 ^ (u64)stat->st_ctim.tv_nsec);
}

u64 shared_names_version(void) {
  return __atomic_load_n(&header->names_version, __ATOMIC_ACQUIRE) << 1 | __atomic_load_n(&header->names_unknown, __ATOMIC_ACQUIRE);
}
void shared_names_changed(void) { __atomic_fetch_add(&header->names_version, 1, __ATOMIC_ACQ_REL); }
void shared_names_are_unknown(void) { __atomic_store_n(&header->names_unknown, 1, __ATOMIC_RELEASE); }

u64 log_now(void) {
  struct timespec now = {0, 0};
  if (!clock_gettime || clock_gettime(CLOCK_MONOTONIC, &now)) raw(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  u64 since = (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec - header->start_ns;
  return since >> 63 ? 0 : since;
}

// On a file system without fallocate(2). Zeros must never fall on what another process has written meanwhile, hence the
// lock; only the process that is growing the file waits for it.
static bool fill_with_zeros(long fd, u64 from, u64 to) {
  static const char zeros[4096];
  struct flock lock = {.l_type = F_WRLCK, .l_whence = 0, .l_start = 0, .l_len = 1};
  if (raw(SYS_fcntl, fd, F_OFD_SETLKW, &lock) < 0) return false;
  if (__atomic_load_n(&header->size, __ATOMIC_ACQUIRE) >= to) return true;
  for (; from < to; from += sizeof zeros)
    if (raw(SYS_pwrite64, fd, zeros, sizeof zeros, from) != (long)sizeof zeros) return false;
  return true;
}

// Beyond the limit of file sizes the kernel would not only refuse but send SIGXFSZ.
static bool may_grow_to(u64 size) {
  struct rlimit limit;
  return raw(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) < 0 || limit.rlim_cur >= size;
}

static bool grow(u64 needed) {
  u64 size = __atomic_load_n(&header->size, __ATOMIC_ACQUIRE);
  if (size >= needed) return true;
  u64 wanted = (needed + GROWTH) / GROWTH * GROWTH;
  if (!may_grow_to(wanted)) return false;
  long fd = raw_open(log_path, O_RDWR | O_NOFOLLOW);
  if (fd < 0) return false;
  bool grown = raw(SYS_fallocate, fd, 0, size, wanted - size) == 0 || fill_with_zeros(fd, size, wanted);
  while (grown && size < wanted)
    if (__atomic_compare_exchange_n(&header->size, &size, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) break;
  raw_close(fd);
  return grown;
}

static u8 *reserve(u32 length) {
  u64 at = __atomic_load_n(&header->tail, __ATOMIC_ACQUIRE);
  for (;;) {
    if (!grow(at + length)) return NULL;
    u8 *mapped = window(at / WINDOW);
    if (!mapped) return NULL;
    u32 *word = (u32 *)(mapped + at % WINDOW);
    u32 taken = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if (taken == 0 && __atomic_compare_exchange_n(word, &taken, length, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      __atomic_store_n(&header->tail, at + length, __ATOMIC_RELEASE);
      return (u8 *)word;
    }
    if (taken < FRAME_HEAD || taken > FRAME_MAX || taken % 8) return NULL;
    at += taken;
  }
}

static u32 crc_of(const u8 *bytes, size_t count) {
  u32 crc = ~0u;
  for (; count >= 4; bytes += 4, count -= 4) {
    u32 word;
    __builtin_memcpy(&word, bytes, 4);
    crc ^= word;
    crc = CRC_TABLE[3][crc & 255] ^ CRC_TABLE[2][crc >> 8 & 255] ^ CRC_TABLE[1][crc >> 16 & 255] ^ CRC_TABLE[0][crc >> 24];
  }
  for (; count; bytes++, count--) crc = CRC_TABLE[0][(crc ^ *bytes) & 255] ^ crc >> 8;
  return ~crc;
}

bool frame_begin(struct frame *frame, u8 kind, u32 pid, u64 at_ns, u32 size) {
  if (!header) return false;
  frame->length = (FRAME_HEAD + size + 7) & ~7u;
  frame->start = size <= FRAME_MAX - FRAME_HEAD - 8 ? reserve(frame->length) : NULL;
  if (!frame->start) {
    __atomic_fetch_add(&header->lost, 1, __ATOMIC_RELAXED);
    return false;
  }
  frame->start[8] = kind;
  __builtin_memcpy(frame->start + 12, &pid, sizeof pid);
  __builtin_memcpy(frame->start + 16, &at_ns, sizeof at_ns);
  frame->at = frame->start + FRAME_HEAD;
  return true;
}

void frame_end(struct frame *frame) {
  u32 crc = crc_of(frame->start + 8, frame->length - 8);
  __atomic_store_n((u32 *)(frame->start + 4), crc, __ATOMIC_RELEASE);
}

void frame_u32(struct frame *frame, u32 value) {
  __builtin_memcpy(frame->at, &value, sizeof value);
  frame->at += sizeof value;
}

void frame_bytes(struct frame *frame, const void *bytes, u32 count) {
  frame_u32(frame, count);
  copy(frame->at, bytes, count);
  frame->at += count;
}
