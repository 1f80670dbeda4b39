// Names: from what a program gave to a system call to the one path that the kernel means. All without descriptors.
#pragma once

#include <linux/limits.h>

#include "raw.h"

// A path of the record: absolute, resolved, as seen from outside of any chroot(2) of this process.
struct path {
  u32 length;
  char text[PATH_MAX];
};

// What a program named: relative to a descriptor, or to its cwd (AT_FDCWD).
struct named {
  int dirfd;
  const char *path;
};

enum follow { LAST_AS_IT_IS, FOLLOW_LAST };

// Resolves a name that can be read; the last word may be missing. False: it has no path.
bool path_of_name(const struct named *named, enum follow last, struct path *path);

// Resolves a name in which there is no symbolic link. False: as above.
bool path_of_plain_name(const struct named *named, struct path *path);

// chdir(2) and its like: what is remembered of the cwd is not true any more.
void path_cwd_changed(void);
// Another process may change it, too, or the memory in which it is remembered.
void path_cwd_is_shared(void);
// After a fork.
void path_cwd_is_private(void);

// The path behind a descriptor, which is the file `stat`. False: the kernel does not tell.
bool path_of_fd(int fd, const struct stat *stat, struct path *path);

// The kernel's note that the name is gone; a file may also be called so.
bool path_is_deleted(const struct path *path, const struct stat *stat);

// Files of /proc and /sys are state, not content.
bool path_is_kernels(const struct path *path);

// For chroot(2): `root` is the new root as a name of now. `path_root_entered` says that it has happened.
bool path_find_root(const char *name, struct path *root);
void path_root_entered(const struct path *root);
bool path_root_is_changed(void);

// unshare(2) gave a thread descriptors of its own: from then on every thread looks at its own ones.
void path_descriptors_are_private(void);
