// syscall(2) as a function of libc: the calls that the other hooks are for, asked for by number.
#include <errno.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#include "event.h"
#include "exec.h"
#include "files.h"
#include "log.h"
#include "ids.h"
#include "next.h"
#include "process.h"
#include "sandbox.h"

HOOK long syscall(long number, long a, long b, long c, long d, long e, long f);

typedef long call(long number, long a, long b, long c, long d, long e, long f);

#define TEXT(value) ((const char *)(value))
#define GO() next(number, a, b, c, d, e, f)

static long open_with(call *next, int dirfd, const char *path, u32 flags, u64 resolve, long number, long a, long b, long c,
                      long d, long e, long f) {
  struct opening opening;
  before_open(&opening, dirfd, path, flags, resolve);
  long fd = GO();
  if (fd >= 0) after_open(&opening, fd);
  return fd;
}

static long openat2_with(call *next, long number, long a, long b, long c, long d, long e, long f) {
  struct open_how how;
  struct stat probe;
  // The structure may be anywhere: the kernel has looked at it when this call has succeeded; before, only the name is safe.
  if (d < (long)sizeof how || !c || raw_stat((int)a, TEXT(b), &probe, 0) == -EFAULT) return GO();
  copy(&how, (const void *)c, sizeof how);
  return open_with(next, (int)a, TEXT(b), (u32)how.flags, how.resolve, number, a, b, c, d, e, f);
}

static long rename_with(call *next, int olddir, long old, int newdir, long new, u32 flags, long number, long a, long b,
                        long c, long d, long e, long f) {
  struct renaming renaming;
  before_rename(&renaming, olddir, TEXT(old), newdir, TEXT(new), flags);
  long result = GO();
  if (result == 0) after_rename(&renaming);
  return result;
}

static long link_with(call *next, int olddir, long old, int newdir, long new, int flags, long number, long a, long b, long c,
                      long d, long e, long f) {
  struct linking linking;
  before_link(&linking, olddir, TEXT(old), newdir, TEXT(new), flags);
  long result = GO();
  if (result == 0) after_link(&linking);
  return result;
}

static long unlink_with(call *next, int dirfd, long path, long number, long a, long b, long c, long d, long e, long f) {
  struct entry entry;
  before_unlink(&entry, dirfd, TEXT(path));
  long result = GO();
  if (result == 0) after_unlink(&entry);
  return result;
}

static long utimes_with(call *next, int dirfd, long path, long number, long a, long b, long c, long d, long e, long f) {
  struct entry entry;
  before_utimes(&entry, dirfd, TEXT(path));
  long result = GO();
  if (result == 0) after_utimes(&entry);
  return result;
}

static long truncate_with(call *next, long number, long a, long b, long c, long d, long e, long f) {
  struct entry entry;
  before_truncate(&entry, TEXT(a));
  long result = GO();
  if (result == 0) after_truncate(&entry);
  return result;
}

static long mknod_with(call *next, int dirfd, long path, mode_t mode, long number, long a, long b, long c, long d, long e,
                       long f) {
  long result = GO();
  if (result == 0) after_mknod(dirfd, TEXT(path), mode);
  return result;
}

static long chroot_with(call *next, long number, long a, long b, long c, long d, long e, long f) {
  struct rooting rooting;
  before_chroot(&rooting, TEXT(a));
  long result = GO();
  if (result == 0) after_chroot(&rooting);
  return result;
}

// A child with memory of its own comes out of this call, too.
static long fork_with(call *next, long number, long a, long b, long c, long d, long e, long f) {
  u32 parent = process_self();
  long result = GO();
  if (result == 0) process_forked(parent);
  return result;
}

static long run_call(const struct target *target, void *context) {
  (void)context;
  return NEXT(syscall)(SYS_execve, (long)target->path, (long)target->argv, (long)target->envp, 0, 0, 0);
}

static long run_at(const struct target *target, void *context) {
  if (target->handed_over) return run_call(target, NULL);
  return NEXT(syscall)(SYS_execveat, target->dirfd, (long)target->path, (long)target->argv, (long)target->envp,
                       *(long *)context, 0);
}

static long exec_with(int dirfd, long path, long argv, long envp, long flags, run_target *run) {
  struct target target = {dirfd, TEXT(path), (char *const *)argv, (char *const *)envp, false};
  return with_watch(&target, run, &flags);
}

#define REST number, a, b, c, d, e, f

static long watched(call *next, long number, long a, long b, long c, long d, long e, long f) {
  long result;
  switch (number) {
#ifdef SYS_open
    case SYS_open:
      return open_with(next, AT_FDCWD, TEXT(a), (u32)b, 0, REST);
    case SYS_creat:
      return open_with(next, AT_FDCWD, TEXT(a), O_CREAT | O_WRONLY | O_TRUNC, 0, REST);
    case SYS_rename:
      return rename_with(next, AT_FDCWD, a, AT_FDCWD, b, 0, REST);
    case SYS_link:
      return link_with(next, AT_FDCWD, a, AT_FDCWD, b, 0, REST);
    case SYS_unlink:
      return unlink_with(next, AT_FDCWD, a, REST);
    case SYS_mknod:
      return mknod_with(next, AT_FDCWD, a, (mode_t)b, REST);
    case SYS_utime:
    case SYS_utimes:
      return utimes_with(next, AT_FDCWD, a, REST);
    case SYS_futimesat:
      return utimes_with(next, (int)a, b, REST);
    case SYS_fork:
      return fork_with(next, REST);
#endif
#ifdef SYS_renameat
    case SYS_renameat:
      return rename_with(next, (int)a, b, (int)c, d, 0, REST);
#endif
    case SYS_openat:
      return open_with(next, (int)a, TEXT(b), (u32)c, 0, REST);
    case SYS_openat2:
      return openat2_with(next, REST);
    case SYS_renameat2:
      return rename_with(next, (int)a, b, (int)c, d, (u32)e, REST);
    case SYS_linkat:
      return link_with(next, (int)a, b, (int)c, d, (int)e, REST);
    case SYS_chdir:
    case SYS_fchdir:
      result = GO();
      path_cwd_changed();
      return result;
    case SYS_symlinkat:
    case SYS_mount:
    case SYS_umount2:
    case SYS_pivot_root:
#ifdef SYS_symlink
    case SYS_symlink:
    case SYS_rmdir:
#endif
      result = GO();
      shared_names_changed();
      return result;
    case SYS_unlinkat:
      if (c & AT_REMOVEDIR) shared_names_changed();
      return c & AT_REMOVEDIR ? GO() : unlink_with(next, (int)a, b, REST);
    case SYS_truncate:
      return truncate_with(next, REST);
    case SYS_mknodat:
      return mknod_with(next, (int)a, b, (mode_t)c, REST);
    case SYS_utimensat:
      return utimes_with(next, (int)a, b, REST);
    case SYS_chroot:
      return chroot_with(next, REST);
    case SYS_clone:
    case SYS_clone3:
      return fork_with(next, REST);
    case SYS_execve:
      return exec_with(AT_FDCWD, a, b, c, 0, run_call);
    case SYS_execveat:
      return exec_with((int)a, b, c, d, e, run_at);
    case SYS_open_by_handle_at:
      result = GO();
      if (result >= 0) opened(result, (u32)c);
      return result;
    case SYS_unshare:
      result = GO();
      if (result == 0) after_namespace((int)a);
      return result;
    case SYS_setns:
      result = GO();
      if (result == 0) after_namespace((int)b);
      return result;
    case SYS_seccomp:
      if (a != SECCOMP_GET_ACTION_AVAIL && a != SECCOMP_GET_NOTIF_SIZES)
        before_filter(a == SECCOMP_SET_MODE_FILTER ? (const void *)c : NULL);
      return GO();
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid:
      ids_changed();
      return GO();
    case SYS_io_uring_setup:
      result = GO();
      if (result >= 0) tell_io_uring();
      return result;
    case SYS_exit_group:
      event_exit((u32)(a & 255) << 8);
      return GO();
    default:
      return GO();
  }
}

// Clones that share memory come back twice on one stack, and must find the frame of the caller, not ours.
static bool is_plain(long number, long a, long b) {
  switch (number) {
    case SYS_clone:
      return !(a & (CLONE_VM | CLONE_VFORK)) && !b;
    case SYS_clone3:
      return !(((const struct clone_args *)a)->flags & (CLONE_VM | CLONE_VFORK)) && !((const struct clone_args *)a)->stack;
#ifdef SYS_vfork
    case SYS_vfork:
      return false;
#endif
    default:
      return true;
  }
}

// What most programs call this for; they pay a comparison.
static bool is_harmless(long number) {
  return number == SYS_futex || number == SYS_gettid || number == SYS_getrandom || number == SYS_tgkill ||
         number == SYS_io_uring_enter;
}

HOOK long syscall(long number, long a, long b, long c, long d, long e, long f) {
  call *next = (call *)NEXT(syscall);
  if (!is_harmless(number) && watching()) {
    if (is_plain(number, a, b)) return watched(next, REST);
    process_may_have_guests();
    path_cwd_is_shared();
  }
  return next(REST);
}

// --- io_uring ----------------------------------------------------------------------------------------------------------------

// liburing makes its system calls by instructions of its own.
#define HOOK_URING(name)                                                     \
  HOOK long name(long a, long b, long c, long d, long e, long f);            \
  HOOK long name(long a, long b, long c, long d, long e, long f) {           \
    long result = NEXT(name)(a, b, c, d, e, f);                              \
    if ((int)result >= 0 && watching()) tell_io_uring();                     \
    return result;                                                           \
  }
HOOK_URING(io_uring_setup)
HOOK_URING(io_uring_queue_init)
HOOK_URING(io_uring_queue_init_params)
HOOK_URING(io_uring_queue_init_mem)
