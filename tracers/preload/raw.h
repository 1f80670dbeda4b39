// System calls without libc, and the few string functions that the shim needs: nothing here touches errno or allocates.
#pragma once

#if !defined(__clang__)
// Loops that copy shall stay loops; for clang, -fno-builtin says so.
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

// Seen by the program: replaces the function of this name in libc.
#define HOOK __attribute__((visibility("default")))
// Not every libc has it, and the shim names no library: null where it is missing.
#define WEAK __attribute__((weak))

#if defined(__x86_64__)
static inline long raw6(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static inline long raw6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "the preload backend knows x86-64 and aarch64"
#endif

#define RAW_PICK(_1, _2, _3, _4, _5, _6, _7, name, ...) name
#define RAW_0(n) raw6(n, 0, 0, 0, 0, 0, 0)
#define RAW_1(n, a) raw6(n, (long)(a), 0, 0, 0, 0, 0)
#define RAW_2(n, a, b) raw6(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define RAW_3(n, a, b, c) raw6(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define RAW_4(n, a, b, c, d) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define RAW_5(n, a, b, c, d, e) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define RAW_6(n, a, b, c, d, e, f) raw6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
// raw(SYS_x, ...): what the kernel answers, a negative errno on failure.
#define raw(...) RAW_PICK(__VA_ARGS__, RAW_6, RAW_5, RAW_4, RAW_3, RAW_2, RAW_1, RAW_0)(__VA_ARGS__)

static inline long raw_open(const char *path, int flags) { return raw(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0); }
static inline void raw_close(long fd) { raw(SYS_close, fd); }
static inline long raw_stat(int dirfd, const char *path, struct stat *stat, int flags) {
  return raw(SYS_newfstatat, dirfd, path, stat, flags);
}
static inline long raw_fstat(int fd, struct stat *stat) { return raw(SYS_fstat, fd, stat); }
static inline long raw_readlink(const char *path, char *into, size_t size) {
  return raw(SYS_readlinkat, AT_FDCWD, path, into, size);
}

static inline size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

static inline void copy(void *to, const void *from, size_t count) {
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
  u8 *out = to;
  const u8 *in = from;
  while (count--) *out++ = *in++;
#endif
}

static inline bool same_bytes(const void *left, const void *right, size_t count) {
  const u8 *a = left, *b = right;
  for (size_t at = 0; at < count; at++)
    if (a[at] != b[at]) return false;
  return true;
}

static inline bool starts_with(const char *text, const char *start) {
  while (*start)
    if (*text++ != *start++) return false;
  return true;
}

static inline bool same_text(const char *left, const char *right) {
  while (*left && *left == *right) left++, right++;
  return *left == *right;
}

// Writes a number in decimal and a NUL; returns the place of the NUL. `to` has room for 21 bytes.
static inline char *put_number(char *to, u64 number) {
  char digits[20];
  int count = 0;
  do {
    digits[count++] = (char)('0' + number % 10);
  } while ((number /= 10));
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}

static inline char *put_text(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

// Reads a decimal number and moves behind it.
static inline u64 take_number(const char **text) {
  u64 number = 0;
  while (**text >= '0' && **text <= '9') number = number * 10 + (u64)(*(*text)++ - '0');
  return number;
}

static inline bool same_file(const struct stat *left, const struct stat *right) {
  return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}
