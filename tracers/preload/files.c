#include "files.h"

#include <errno.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sched.h>
#include <sys/mman.h>

#include "event.h"
#include "ids.h"
#include "log.h"

#ifndef RESOLVE_IN_ROOT
#define RESOLVE_IN_ROOT 0x10
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define TEMPORARY(flags) (((flags) & O_TMPFILE) == O_TMPFILE)

static bool has_content(const struct stat *stat) { return S_ISREG(stat->st_mode) || S_ISDIR(stat->st_mode); }

// --- opens ---------------------------------------------------------------------------------------------------------------

// A reading open of a file that was read before, by any process of the run, says nothing new.
static bool is_news(u32 flags, const struct path *path, const struct stat *stat) {
  return !shared_remember(hash_text(hash_stat(flags, stat), path->text, path->length));
}

static bool stat_in_root(const struct opening *opening, struct stat *stat) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .mode = 0, .resolve = opening->resolve};
  long fd = raw(SYS_openat2, opening->named.dirfd, opening->named.path, &how, sizeof how);
  if (fd < 0) return false;
  bool found = raw_fstat((int)fd, stat) == 0;
  raw_close(fd);
  return found;
}

void before_open(struct opening *opening, int dirfd, const char *path, u32 flags, u64 resolve) {
  opening->named = (struct named){dirfd, path};
  opening->flags = flags;
  opening->resolve = resolve;
  opening->existed = opening->plain = false;
  // Only an open that may change something needs to know what was there; a reader finds it as it is.
  bool changes = flags & (O_ACCMODE | O_CREAT | O_TRUNC), made = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  if (!changes || made || flags & O_PATH || TEMPORARY(flags)) return;
  if (resolve & RESOLVE_IN_ROOT) opening->existed = stat_in_root(opening, &opening->before);
  else opening->existed = raw_stat(dirfd, path, &opening->before, 0) == 0;
}

// Libraries of the user's, between us and libc, must see every open; and a filter of the program's may know open(2) only.
static bool plainly_forbidden;
void never_open_plainly(void) { plainly_forbidden = true; }

long open_plainly(struct opening *opening, mode_t mode) {
  enum {
    KNOWN = O_ACCMODE | O_CLOEXEC | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_NOATIME |
            O_SYNC | O_DSYNC | 0100000
  };
  const struct named *named = &opening->named;
  if (plainly_forbidden || opening->flags & ~(u32)KNOWN || !named->path || named->dirfd != AT_FDCWD) return NOT_OPENED;
  struct open_how how = {.flags = opening->flags | O_LARGEFILE, .mode = 0, .resolve = RESOLVE_NO_SYMLINKS};
  if (opening->flags & O_CREAT) how.mode = mode & 07777;
  long result = raw(SYS_openat2, AT_FDCWD, named->path, &how, sizeof how);
  switch (result) {
    case -ENOSYS:
    case -EPERM:
      plainly_forbidden = true;
      return NOT_OPENED;
    case -EINVAL:
    case -ELOOP:
    case -EAGAIN:
    case -E2BIG:
      return NOT_OPENED;
    default:
      opening->plain = result >= 0;
      return result;
  }
}

static bool find_opened(const struct opening *opening, int fd, struct stat *stat, struct path *path) {
  if (raw_fstat(fd, stat) == 0) {
    if (!S_ISREG(stat->st_mode)) return true;
    if (opening->plain && path_of_plain_name(&opening->named, path)) return true;
    if (path_of_fd(fd, stat, path)) return true;
  }
  // Another thread has closed it already, or there is no /proc: then the name has to do.
  if (!opening->named.path || opening->resolve & RESOLVE_IN_ROOT) return false;
  return raw_stat(opening->named.dirfd, opening->named.path, stat, 0) == 0 &&
         (!S_ISREG(stat->st_mode) || path_of_name(&opening->named, FOLLOW_LAST, path));
}

void after_open(const struct opening *opening, long fd) {
  u32 flags = opening->flags;
  if (flags & O_PATH || (flags & O_DIRECTORY && !TEMPORARY(flags))) return;
  struct stat stat;
  struct path path;
  if (!find_opened(opening, (int)fd, &stat, &path)) {
    event_warning("open-unseen", " opened a file that is not seen: it has no path that the kernel tells", NULL, "");
    return;
  }
  if (!S_ISREG(stat.st_mode)) return;
  if (!TEMPORARY(flags) && (path_is_kernels(&path) || path_is_deleted(&path, &stat))) return;
  bool changes = flags & (O_ACCMODE | O_CREAT | O_TRUNC);
  if (changes || is_news(flags, &path, &stat)) event_open(flags, &path, &stat, opening->existed ? &opening->before : NULL, 0);
}

void opened(long fd, u32 flags) {
  struct opening opening = {.named = {AT_FDCWD, NULL}, .flags = flags, .resolve = 0, .existed = false};
  after_open(&opening, fd);
}

void loaded(const char *name) {
  enum { LIBRARY = 1 };
  struct stat stat;
  struct path path;
  struct named named = {AT_FDCWD, name};
  if (raw_stat(AT_FDCWD, name, &stat, 0) < 0 || !S_ISREG(stat.st_mode)) return;
  u64 hash = hash_text(hash_stat(LIBRARY, &stat), name, length_of(name));
  if (name[0] == '/' && !path_root_is_changed() && shared_knows(hash)) return;
  if (!path_of_name(&named, FOLLOW_LAST, &path) || path_is_kernels(&path)) return;
  if (is_news(O_RDONLY, &path, &stat)) event_open(O_RDONLY, &path, &stat, NULL, 0);
  if (name[0] == '/') shared_remember(hash);
}

// --- names -----------------------------------------------------------------------------------------------------------------

// What is at a name, whose last word is not followed; nothing may be there.
static void look_at(struct entry *entry, int dirfd, const char *path) {
  entry->named = (struct named){dirfd, path};
  long found = raw_stat(dirfd, path, &entry->stat, AT_SYMLINK_NOFOLLOW);
  entry->existed = found == 0;
  entry->known = (found == 0 || found == -ENOENT) && path_of_name(&entry->named, LAST_AS_IT_IS, &entry->path);
}

// What is at the end of a name; it must be there.
static void follow(struct entry *entry, int dirfd, const char *path) {
  entry->named = (struct named){dirfd, path};
  entry->existed = raw_stat(dirfd, path, &entry->stat, 0) == 0;
  entry->known = entry->existed && path_of_name(&entry->named, FOLLOW_LAST, &entry->path);
}

static void behind_fd(struct entry *entry, int fd) {
  entry->named = (struct named){fd, NULL};
  if (fd == AT_FDCWD) {
    entry->known = entry->existed = false;
    return;
  }
  entry->existed = raw_fstat(fd, &entry->stat) == 0;
  entry->known = entry->existed && path_of_fd(fd, &entry->stat, &entry->path);
}

static void has_no_path(const char *what) { event_warning("open-unseen", what, NULL, "; it has no path that the kernel tells"); }

void before_unlink(struct entry *entry, int dirfd, const char *path) { look_at(entry, dirfd, path); }

void after_unlink(const struct entry *entry) {
  if (entry->existed && !entry->known) has_no_path(" removed a file that is not seen");
  if (entry->existed && !S_ISREG(entry->stat.st_mode)) shared_names_changed();
  if (entry->existed && entry->known && S_ISREG(entry->stat.st_mode)) event_unlink(&entry->path, &entry->stat);
}

void before_rename(struct renaming *renaming, int olddir, const char *old, int newdir, const char *new, u32 flags) {
  renaming->flags = flags;
  look_at(&renaming->from, olddir, old);
  if (renaming->from.existed) look_at(&renaming->to, newdir, new);
}

// --- directories that move with files in them ------------------------------------------------------------------------------

// A renamed directory with more files is reported as not fully seen.
enum { FILES_MAX = 100000, ROOM = 4 << 20, LISTING = 32 << 10 };

// As getdents64(2) fills it.
struct directory_entry {
  u64 inode;
  u64 offset;
  uint16_t length;
  u8 type;
  char name[];
};

// The directories that are still to be looked into, as paths below the renamed one, one behind the other; in memory of its
// own, as the stack may be small.
struct walk {
  const struct path *from, *to;
  char *listing, *waiting;
  size_t first, end;
  u32 files;
  bool complete;
};

static bool join(struct path *path, const struct path *top, const char *below, const char *name) {
  size_t below_length = length_of(below), name_length = length_of(name);
  size_t length = top->length + below_length + (name_length ? 1 + name_length : 0);
  if (length >= sizeof path->text) return false;
  char *at = put_text(path->text, top->text);
  at = put_text(at, below);
  if (name_length) {
    *at++ = '/';
    put_text(at, name);
  }
  path->length = (u32)length;
  return true;
}

static void met(struct walk *walk, const char *below, const char *name, const struct stat *stat) {
  struct path old, new;
  if (S_ISDIR(stat->st_mode)) {
    size_t needed = length_of(below) + length_of(name) + 2;
    if (needed > ROOM - walk->end) {
      walk->complete = false;
      return;
    }
    char *at = put_text(walk->waiting + walk->end, below);
    *at++ = '/';
    put_text(at, name);
    walk->end += needed;
  } else if (S_ISREG(stat->st_mode)) {
    if (++walk->files > FILES_MAX || !join(&old, walk->from, below, name) || !join(&new, walk->to, below, name)) {
      walk->complete = false;
      return;
    }
    event_moved(&old, &new, stat);
  }
}

static void list(struct walk *walk, const char *below) {
  struct path path;
  if (!join(&path, walk->to, below, "")) return;
  long fd = raw_open(path.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) {
    walk->complete = false;
    return;
  }
  long count;
  while (walk->complete && (count = raw(SYS_getdents64, fd, walk->listing, LISTING)) > 0) {
    for (long at = 0; at < count;) {
      struct directory_entry *entry = (struct directory_entry *)(walk->listing + at);
      at += entry->length;
      struct stat stat;
      if (same_text(entry->name, ".") || same_text(entry->name, "..")) continue;
      if (raw_stat((int)fd, entry->name, &stat, AT_SYMLINK_NOFOLLOW) == 0) met(walk, below, entry->name, &stat);
    }
  }
  raw_close(fd);
}

// The files of a directory that was at `from` and is at `to` now. In a changed root, the names of the record do not work:
// there, and nowhere else, files in a moved directory are not seen.
static void moved_with(const struct path *from, const struct path *to) {
  long memory = raw(SYS_mmap, 0, ROOM + LISTING, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  bool usable = (memory > 0 || memory < -4095) && !path_root_is_changed();
  struct walk walk = {.from = from, .to = to, .complete = usable};
  if (usable) {
    walk.listing = (char *)memory;
    walk.waiting = walk.listing + LISTING;
    list(&walk, "");
    while (walk.complete && walk.first < walk.end) {
      const char *below = walk.waiting + walk.first;
      walk.first += length_of(below) + 1;
      list(&walk, below);
    }
  }
  if (memory > 0 || memory < -4095) raw(SYS_munmap, memory, ROOM + LISTING);
  if (!walk.complete)
    event_warning("directory-too-large", " renamed ", to->text, ": not all of the files in it are seen");
}

void after_rename(const struct renaming *renaming) {
  const struct entry *from = &renaming->from, *to = &renaming->to;
  if (!from->existed) return;
  bool exchanged = renaming->flags & RENAME_EXCHANGE;
  // A link that is moved over a file removes it.
  bool content = has_content(&from->stat), other = to->existed && has_content(&to->stat);
  if (!content && !other) {
    shared_names_changed();
    return;
  }
  if (!from->known || !to->known) {
    has_no_path(" renamed a file that is not seen");
    return;
  }
  // Exchanged with a link, say: told from the side that has content.
  if (!content && exchanged) {
    const struct entry *side = from;
    from = to;
    to = side;
  }
  const struct stat *replaced = to->existed ? &to->stat : NULL;
  if (!S_ISREG(from->stat.st_mode) || (replaced && !S_ISREG(replaced->st_mode))) shared_names_changed();
  event_rename(exchanged ? RENAME_WAS_EXCHANGE : 0, &from->path, &to->path, &from->stat, replaced);
  if (S_ISDIR(from->stat.st_mode)) moved_with(&from->path, &to->path);
  if (exchanged && replaced && S_ISDIR(replaced->st_mode)) moved_with(&to->path, &from->path);
}

// --- the rest ----------------------------------------------------------------------------------------------------------------

void before_link(struct linking *linking, int olddir, const char *old, int newdir, const char *new, int flags) {
  struct entry *from = &linking->from;
  linking->to = (struct named){newdir, new};
  char first;
  from->known = from->existed = false;
  // Readable by the kernel; `old` may be empty, which stat(2) refuses without a flag.
  struct stat probe;
  long found = raw_stat(olddir, old, &probe, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
  if (found < 0) return;
  first = old[0];
  if (!first) behind_fd(from, olddir);
  else if (flags & AT_SYMLINK_FOLLOW) follow(from, olddir, old);
  else look_at(from, olddir, old);
}

void after_link(const struct linking *linking) {
  const struct entry *from = &linking->from;
  struct path to;
  if (!from->existed || !S_ISREG(from->stat.st_mode)) return;
  if (!path_of_name(&linking->to, LAST_AS_IT_IS, &to)) {
    has_no_path(" linked a file that is not seen");
    return;
  }
  bool unnamed = !from->known || path_is_deleted(&from->path, &from->stat);
  event_link(unnamed ? NULL : &from->path, &to, &from->stat);
}

void before_truncate(struct entry *entry, const char *path) { follow(entry, AT_FDCWD, path); }

void after_truncate(const struct entry *entry) {
  if (entry->known && S_ISREG(entry->stat.st_mode)) event_truncate(&entry->path, &entry->stat);
}

void before_utimes(struct entry *entry, int dirfd, const char *path) {
  if (path) follow(entry, dirfd, path);
  else behind_fd(entry, dirfd);
}

void after_utimes(const struct entry *entry) {
  struct stat after;
  if (!entry->known || !S_ISREG(entry->stat.st_mode) || path_is_kernels(&entry->path)) return;
  if (path_is_deleted(&entry->path, &entry->stat)) return;
  const struct named *named = &entry->named;
  long found = named->path ? raw_stat(named->dirfd, named->path, &after, 0) : raw_fstat(named->dirfd, &after);
  if (found == 0 && same_file(&after, &entry->stat)) event_utimes(&entry->path, &entry->stat, &after);
}

void after_mknod(int dirfd, const char *path, mode_t mode) {
  struct entry entry;
  if ((mode & S_IFMT) != S_IFREG && (mode & S_IFMT) != 0) return;
  look_at(&entry, dirfd, path);
  if (entry.known && entry.existed) event_create(&entry.path, &entry.stat);
}

void before_chroot(struct rooting *rooting, const char *path) {
  struct stat stat;
  rooting->known = raw_stat(AT_FDCWD, path, &stat, 0) == 0 && path_find_root(path, &rooting->path);
}

void after_chroot(const struct rooting *rooting) {
  root_changed();
  path_cwd_changed();
  if (rooting->known) path_root_entered(&rooting->path);
}

void after_namespace(int flags) {
  if (flags & CLONE_FS) path_cwd_is_shared();
  if (flags & CLONE_NEWPID || !flags) process_ids_are_local();
  if (flags & CLONE_FILES) path_descriptors_are_private();
  if (flags & (CLONE_NEWNS | CLONE_NEWUSER) || !flags) root_changed();
  if (flags & CLONE_NEWNS)
    event_warning("mount-namespace", " has mounts of its own: what it changed there may be missing, or under another name",
                  NULL, "");
}
