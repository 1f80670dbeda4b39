// What a call does with files: read before it, told after it succeeded. Used by the hooks of libc's functions and of
// syscall(3) alike. A program may pass any pointer: names are only read after the kernel has found them good.
#pragma once

#include "path.h"

// Every hook asks this first: true when events of this process go into a log.
bool watching(void);

struct opening {
  struct named named;
  u32 flags;
  u64 resolve;
  // No symbolic link was on the way: the name needs no looking up.
  bool plain;
  // Something was there.
  bool existed;
  struct stat before;
};

void before_open(struct opening *opening, int dirfd, const char *path, u32 flags, u64 resolve);
// Opens a file as the kernel would, if that is possible in a way that tells at once where the file is: an answer of open(2)
// (a negative errno on failure), or NOT_OPENED: then the next function has to do it.
enum { NOT_OPENED = -4096 };
long open_plainly(struct opening *opening, mode_t mode);
void never_open_plainly(void);

void after_open(const struct opening *opening, long fd);

// A descriptor that a function of libc has opened: nothing stood at its name before if `flags` has O_EXCL.
void opened(long fd, u32 flags);

// A file that was read by its name, by the loader.
void loaded(const char *name);

struct entry {
  bool known;
  bool existed;
  struct named named;
  struct stat stat;
  struct path path;
};

struct renaming {
  u32 flags;
  struct entry from, to;
};

void before_rename(struct renaming *renaming, int olddir, const char *old, int newdir, const char *new, u32 flags);
void after_rename(const struct renaming *renaming);

void before_unlink(struct entry *entry, int dirfd, const char *path);
void after_unlink(const struct entry *entry);

struct linking {
  struct entry from;
  struct named to;
};

void before_link(struct linking *linking, int olddir, const char *old, int newdir, const char *new, int flags);
void after_link(const struct linking *linking);

void before_truncate(struct entry *entry, const char *path);
void after_truncate(const struct entry *entry);

// `path` may be null: the descriptor itself.
void before_utimes(struct entry *entry, int dirfd, const char *path);
void after_utimes(const struct entry *entry);

void after_mknod(int dirfd, const char *path, mode_t mode);

struct rooting {
  bool known;
  struct path path;
};
void before_chroot(struct rooting *rooting, const char *path);
void after_chroot(const struct rooting *rooting);
void after_namespace(int flags);
