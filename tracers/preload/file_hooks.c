// Functions of libc that open, rename, link, remove or cut files. A hook reads what it must know, calls the next function
// of its name, and tells what that did if it succeeded; errno is what the next function left, as nothing here touches it.
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <utime.h>

#include "files.h"
#include "log.h"
#include "next.h"
#include "sandbox.h"

// libc's own headers make aliases and macros of some of these names; the hooks are plain functions.
#undef mknod
#undef mknodat

static mode_t mode_in(u32 flags, va_list *args) {
  bool has_mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
  return has_mode ? (mode_t)va_arg(*args, int) : 0;
}

WEAK int *__errno_location(void);

// The kernel's answer as libc gives it.
static int answer(long result) {
  if (result >= 0) return (int)result;
  *__errno_location() = (int)-result;
  return -1;
}

// --- open(2) -------------------------------------------------------------------------------------------------------------

#define HOOK_OPEN(name)                                              \
  HOOK int name(const char *path, int flags, ...);                   \
  HOOK int name(const char *path, int flags, ...) {                  \
    va_list args;                                                    \
    va_start(args, flags);                                           \
    mode_t mode = mode_in((u32)flags, &args);                        \
    va_end(args);                                                    \
    if (!watching()) return NEXT(name)(path, flags, mode);           \
    struct opening opening;                                          \
    before_open(&opening, AT_FDCWD, path, (u32)flags, 0);            \
    long plain = open_plainly(&opening, mode);                       \
    int fd = plain == NOT_OPENED ? NEXT(name)(path, flags, mode) : answer(plain); \
    if (fd >= 0) after_open(&opening, fd);                           \
    return fd;                                                       \
  }
HOOK_OPEN(open)
HOOK_OPEN(open64)
HOOK_OPEN(__open)
HOOK_OPEN(__open64)

#define HOOK_OPENAT(name)                                            \
  HOOK int name(int dirfd, const char *path, int flags, ...);        \
  HOOK int name(int dirfd, const char *path, int flags, ...) {       \
    va_list args;                                                    \
    va_start(args, flags);                                           \
    mode_t mode = mode_in((u32)flags, &args);                        \
    va_end(args);                                                    \
    if (!watching()) return NEXT(name)(dirfd, path, flags, mode);    \
    struct opening opening;                                          \
    before_open(&opening, dirfd, path, (u32)flags, 0);               \
    long plain = open_plainly(&opening, mode);                       \
    int fd = plain == NOT_OPENED ? NEXT(name)(dirfd, path, flags, mode) : answer(plain); \
    if (fd >= 0) after_open(&opening, fd);                           \
    return fd;                                                       \
  }
HOOK_OPENAT(openat)
HOOK_OPENAT(openat64)

// What -D_FORTIFY_SOURCE makes of an open without a mode.
#define HOOK_OPEN_2(name)                                            \
  HOOK int name(const char *path, int flags);                        \
  HOOK int name(const char *path, int flags) {                       \
    if (!watching()) return NEXT(name)(path, flags);                 \
    struct opening opening;                                          \
    before_open(&opening, AT_FDCWD, path, (u32)flags, 0);            \
    long plain = open_plainly(&opening, 0);                          \
    int fd = plain == NOT_OPENED ? NEXT(name)(path, flags) : answer(plain); \
    if (fd >= 0) after_open(&opening, fd);                           \
    return fd;                                                       \
  }
HOOK_OPEN_2(__open_2)
HOOK_OPEN_2(__open64_2)

#define HOOK_OPENAT_2(name)                                          \
  HOOK int name(int dirfd, const char *path, int flags);             \
  HOOK int name(int dirfd, const char *path, int flags) {            \
    if (!watching()) return NEXT(name)(dirfd, path, flags);          \
    struct opening opening;                                          \
    before_open(&opening, dirfd, path, (u32)flags, 0);               \
    long plain = open_plainly(&opening, 0);                          \
    int fd = plain == NOT_OPENED ? NEXT(name)(dirfd, path, flags) : answer(plain); \
    if (fd >= 0) after_open(&opening, fd);                           \
    return fd;                                                       \
  }
HOOK_OPENAT_2(__openat_2)
HOOK_OPENAT_2(__openat64_2)

#define HOOK_CREAT(name)                                             \
  HOOK int name(const char *path, mode_t mode) {                     \
    if (!watching()) return NEXT(name)(path, mode);                  \
    struct opening opening;                                          \
    before_open(&opening, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, 0); \
    int fd = NEXT(name)(path, mode);                                 \
    if (fd >= 0) after_open(&opening, fd);                           \
    return fd;                                                       \
  }
HOOK_CREAT(creat)
HOOK_CREAT(creat64)

struct file_handle;
HOOK int open_by_handle_at(int mount, struct file_handle *handle, int flags);
HOOK int open_by_handle_at(int mount, struct file_handle *handle, int flags) {
  int fd = NEXT(open_by_handle_at)(mount, handle, flags);
  if (fd >= 0 && watching()) opened(fd, (u32)flags);
  return fd;
}

HOOK int shm_open(const char *name, int flags, mode_t mode);
HOOK int shm_open(const char *name, int flags, mode_t mode) {
  int fd = NEXT(shm_open)(name, flags, mode);
  if (fd >= 0 && watching()) opened(fd, (u32)flags);
  return fd;
}

// --- stdio -------------------------------------------------------------------------------------------------------------

WEAK int fileno(FILE *stream);

static u32 flags_of(const char *mode) {
  u32 flags = mode[0] == 'w' ? O_CREAT | O_TRUNC : mode[0] == 'a' ? O_CREAT | O_APPEND : 0;
  u32 access = mode[0] == 'r' ? O_RDONLY : O_WRONLY;
  for (const char *at = mode; *at && *at != ','; at++) {
    if (*at == '+') access = O_RDWR;
    if (*at == 'x') flags |= O_EXCL;
  }
  return flags | access;
}

#define HOOK_FOPEN(name)                                             \
  HOOK FILE *name(const char *path, const char *mode) {              \
    if (!watching()) return NEXT(name)(path, mode);                  \
    struct opening opening;                                          \
    before_open(&opening, AT_FDCWD, path, flags_of(mode), 0);        \
    FILE *stream = NEXT(name)(path, mode);                           \
    if (stream) after_open(&opening, fileno(stream));                \
    return stream;                                                   \
  }
HOOK_FOPEN(fopen)
HOOK_FOPEN(fopen64)

// Without a path, the file that is open is opened again with another mode.
static const char *reopened(const char *path, FILE *stream, char *link) {
  if (path || !stream) return path;
  int fd = fileno(stream);
  if (fd < 0) return path;
  put_number(put_text(link, "/proc/self/fd/"), (u64)fd);
  return link;
}

#define HOOK_FREOPEN(name)                                                       \
  HOOK FILE *name(const char *path, const char *mode, FILE *stream) {            \
    if (!watching()) return NEXT(name)(path, mode, stream);                      \
    struct opening opening;                                                      \
    char link[48];                                                               \
    before_open(&opening, AT_FDCWD, reopened(path, stream, link), flags_of(mode), 0); \
    FILE *now = NEXT(name)(path, mode, stream);                                  \
    if (now) after_open(&opening, fileno(now));                                  \
    return now;                                                                  \
  }
HOOK_FREOPEN(freopen)
HOOK_FREOPEN(freopen64)

// --- mkstemp(3) and its family ---------------------------------------------------------------------------------------------

#define MADE (O_RDWR | O_CREAT | O_EXCL)
#define HOOK_MKSTEMP(name, parameters, arguments)                    \
  HOOK int name parameters;                                          \
  HOOK int name parameters {                                         \
    int fd = NEXT(name) arguments;                                   \
    if (fd >= 0 && watching()) opened(fd, MADE);                     \
    return fd;                                                       \
  }
HOOK_MKSTEMP(mkstemp, (char *name), (name))
HOOK_MKSTEMP(mkstemp64, (char *name), (name))
HOOK_MKSTEMP(mkostemp, (char *name, int flags), (name, flags))
HOOK_MKSTEMP(mkostemp64, (char *name, int flags), (name, flags))
HOOK_MKSTEMP(mkstemps, (char *name, int suffix), (name, suffix))
HOOK_MKSTEMP(mkstemps64, (char *name, int suffix), (name, suffix))
HOOK_MKSTEMP(mkostemps, (char *name, int suffix, int flags), (name, suffix, flags))
HOOK_MKSTEMP(mkostemps64, (char *name, int suffix, int flags), (name, suffix, flags))

// --- names -----------------------------------------------------------------------------------------------------------------

HOOK int rename(const char *old, const char *new) {
  struct renaming renaming;
  if (!watching()) return NEXT(rename)(old, new);
  before_rename(&renaming, AT_FDCWD, old, AT_FDCWD, new, 0);
  int result = NEXT(rename)(old, new);
  if (result == 0) after_rename(&renaming);
  return result;
}

HOOK int renameat(int olddir, const char *old, int newdir, const char *new) {
  struct renaming renaming;
  if (!watching()) return NEXT(renameat)(olddir, old, newdir, new);
  before_rename(&renaming, olddir, old, newdir, new, 0);
  int result = NEXT(renameat)(olddir, old, newdir, new);
  if (result == 0) after_rename(&renaming);
  return result;
}

HOOK int renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags) {
  struct renaming renaming;
  if (!watching()) return NEXT(renameat2)(olddir, old, newdir, new, flags);
  before_rename(&renaming, olddir, old, newdir, new, flags);
  int result = NEXT(renameat2)(olddir, old, newdir, new, flags);
  if (result == 0) after_rename(&renaming);
  return result;
}

HOOK int unlink(const char *path);
HOOK int unlink(const char *path) {
  struct entry entry;
  if (!watching()) return NEXT(unlink)(path);
  before_unlink(&entry, AT_FDCWD, path);
  int result = NEXT(unlink)(path);
  if (result == 0) after_unlink(&entry);
  return result;
}

HOOK int remove(const char *path) {
  struct entry entry;
  if (!watching()) return NEXT(remove)(path);
  before_unlink(&entry, AT_FDCWD, path);
  int result = NEXT(remove)(path);
  if (result == 0) after_unlink(&entry);
  return result;
}

HOOK int unlinkat(int dirfd, const char *path, int flags);
HOOK int unlinkat(int dirfd, const char *path, int flags) {
  struct entry entry;
  if (!watching() || flags & AT_REMOVEDIR) return NEXT(unlinkat)(dirfd, path, flags);
  before_unlink(&entry, dirfd, path);
  int result = NEXT(unlinkat)(dirfd, path, flags);
  if (result == 0) after_unlink(&entry);
  return result;
}

HOOK int shm_unlink(const char *name);
HOOK int shm_unlink(const char *name) {
  struct entry entry;
  char path[512] = "/dev/shm/";
  size_t length = length_of(name);
  bool seen = watching() && length < sizeof path - 16;
  if (seen) {
    put_text(path + length_of(path), name[0] == '/' ? name + 1 : name);
    before_unlink(&entry, AT_FDCWD, path);
  }
  int result = NEXT(shm_unlink)(name);
  if (result == 0 && seen) after_unlink(&entry);
  return result;
}

HOOK int link(const char *old, const char *new);
HOOK int link(const char *old, const char *new) {
  struct linking linking;
  if (!watching()) return NEXT(link)(old, new);
  before_link(&linking, AT_FDCWD, old, AT_FDCWD, new, 0);
  int result = NEXT(link)(old, new);
  if (result == 0) after_link(&linking);
  return result;
}

HOOK int linkat(int olddir, const char *old, int newdir, const char *new, int flags);
HOOK int linkat(int olddir, const char *old, int newdir, const char *new, int flags) {
  struct linking linking;
  if (!watching()) return NEXT(linkat)(olddir, old, newdir, new, flags);
  before_link(&linking, olddir, old, newdir, new, flags);
  int result = NEXT(linkat)(olddir, old, newdir, new, flags);
  if (result == 0) after_link(&linking);
  return result;
}

#define HOOK_TRUNCATE(name)                                          \
  HOOK int name(const char *path, off_t size);                       \
  HOOK int name(const char *path, off_t size) {                      \
    struct entry entry;                                              \
    if (!watching()) return NEXT(name)(path, size);                  \
    before_truncate(&entry, path);                                   \
    int result = NEXT(name)(path, size);                             \
    if (result == 0) after_truncate(&entry);                         \
    return result;                                                   \
  }
HOOK_TRUNCATE(truncate)
HOOK_TRUNCATE(truncate64)

#define HOOK_MKNOD(name, parameters, arguments, dirfd)               \
  HOOK int name parameters;                                          \
  HOOK int name parameters {                                         \
    int result = NEXT(name) arguments;                               \
    if (result == 0 && watching()) after_mknod(dirfd, path, mode);   \
    return result;                                                   \
  }
HOOK_MKNOD(mknod, (const char *path, mode_t mode, dev_t dev), (path, mode, dev), AT_FDCWD)
HOOK_MKNOD(mknodat, (int dirfd, const char *path, mode_t mode, dev_t dev), (dirfd, path, mode, dev), dirfd)
// Programs that were linked before glibc 2.33.
HOOK_MKNOD(__xmknod, (int version, const char *path, mode_t mode, dev_t *dev), (version, path, mode, dev), AT_FDCWD)
HOOK_MKNOD(__xmknodat, (int version, int dirfd, const char *path, mode_t mode, dev_t *dev),
           (version, dirfd, path, mode, dev), dirfd)

// --- set times: no change of content ------------------------------------------------------------------------------------------

#define HOOK_UTIMES(name, parameters, arguments, dirfd, path)        \
  HOOK int name parameters;                                          \
  HOOK int name parameters {                                         \
    struct entry entry;                                              \
    if (!watching()) return NEXT(name) arguments;                    \
    before_utimes(&entry, dirfd, path);                              \
    int result = NEXT(name) arguments;                               \
    if (result == 0) after_utimes(&entry);                           \
    return result;                                                   \
  }
HOOK_UTIMES(utime, (const char *file, const struct utimbuf *times), (file, times), AT_FDCWD, file)
HOOK_UTIMES(utimes, (const char *file, const struct timeval times[2]), (file, times), AT_FDCWD, file)
HOOK_UTIMES(lutimes, (const char *file, const struct timeval times[2]), (file, times), AT_FDCWD, file)
HOOK_UTIMES(futimes, (int fd, const struct timeval times[2]), (fd, times), fd, NULL)
HOOK_UTIMES(futimesat, (int dir, const char *file, const struct timeval times[2]), (dir, file, times), dir, file)
HOOK_UTIMES(utimensat, (int dir, const char *file, const struct timespec times[2], int flags), (dir, file, times, flags),
            dir, file)
HOOK_UTIMES(futimens, (int fd, const struct timespec times[2]), (fd, times), fd, NULL)

// --- what changes the meaning of names ----------------------------------------------------------------------------------------

HOOK int chroot(const char *path);
HOOK int chroot(const char *path) {
  struct rooting rooting;
  if (!watching()) return NEXT(chroot)(path);
  before_chroot(&rooting, path);
  int result = NEXT(chroot)(path);
  if (result == 0) after_chroot(&rooting);
  return result;
}

#define HOOK_CHDIR(name, parameters, arguments)                      \
  HOOK int name parameters;                                          \
  HOOK int name parameters {                                         \
    int result = NEXT(name) arguments;                               \
    path_cwd_changed();                                              \
    return result;                                                   \
  }
HOOK_CHDIR(chdir, (const char *path), (path))
HOOK_CHDIR(fchdir, (int fd), (fd))

// Links and directories that come or go.
#define HOOK_NAMES(name, parameters, arguments)                      \
  HOOK int name parameters;                                          \
  HOOK int name parameters {                                         \
    int result = NEXT(name) arguments;                               \
    if (result == 0 && watching()) shared_names_changed();           \
    return result;                                                   \
  }
HOOK_NAMES(symlink, (const char *target, const char *path), (target, path))
HOOK_NAMES(symlinkat, (const char *target, int dirfd, const char *path), (target, dirfd, path))
HOOK_NAMES(rmdir, (const char *path), (path))
HOOK_NAMES(pivot_root, (const char *root, const char *old), (root, old))
HOOK_NAMES(mount, (const char *source, const char *target, const char *type, unsigned long flags, const void *data),
           (source, target, type, flags, data))
HOOK_NAMES(umount2, (const char *target, int flags), (target, flags))

HOOK int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
HOOK int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  if (option == PR_SET_SECCOMP) before_filter(a == SECCOMP_MODE_FILTER ? (const void *)b : NULL);
  return NEXT(prctl)(option, a, b, c, d);
}

HOOK int unshare(int flags);
HOOK int unshare(int flags) {
  int result = NEXT(unshare)(flags);
  if (result == 0 && watching()) after_namespace(flags);
  return result;
}

HOOK int setns(int fd, int flags);
HOOK int setns(int fd, int flags) {
  int result = NEXT(setns)(fd, flags);
  if (result == 0 && watching()) after_namespace(flags);
  return result;
}
