// posix_spawn(3): libc opens the files of the child by itself, in the child, before there is a shim in it. What it will do
// is read from the list of its actions, before; what became of the files is told by the parent, after.
#include <errno.h>
#include <linux/limits.h>
#include <spawn.h>
#include <sys/mman.h>

#include "event.h"
#include "exec.h"
#include "files.h"
#include "log.h"
#include "next.h"

WEAK const char *gnu_get_libc_version(void);

struct action {
  enum { OTHER_ACTION, OPEN_ACTION, CHDIR_ACTION, FCHDIR_ACTION } kind;
  int fd, flags;
  const char *path;
};

// As in glibc's posix/spawn_int.h; the kinds have had these numbers since they exist.
struct glibc_action {
  int tag;
  union {
    struct {
      int fd;
      const char *path;
      int flags;
      mode_t mode;
    } open;
    const char *chdir;
    int fchdir;
  };
};
struct glibc_actions {
  int allocated, used;
  struct glibc_action *list;
};

// As in musl's src/process/fdop.h; the last action comes first.
struct musl_action {
  struct musl_action *next, *previous;
  int command, fd, source, flags;
  mode_t mode;
  char path[];
};
struct musl_actions {
  int padding[2];
  struct musl_action *last;
};

static struct action of_glibc(const struct glibc_action *from) {
  struct action action = {.kind = OTHER_ACTION};
  switch (from->tag) {
    case 2:
      action = (struct action){OPEN_ACTION, from->open.fd, from->open.flags, from->open.path};
      break;
    case 3:
      action = (struct action){CHDIR_ACTION, -1, 0, from->chdir};
      break;
    case 4:
      action = (struct action){FCHDIR_ACTION, from->fchdir, 0, NULL};
      break;
    default:
      break;
  }
  return action;
}

static struct action of_musl(const struct musl_action *from) {
  struct action action = {.kind = OTHER_ACTION};
  if (from->command == 3) action = (struct action){OPEN_ACTION, from->fd, from->flags, from->path};
  if (from->command == 4) action = (struct action){CHDIR_ACTION, -1, 0, from->path};
  if (from->command == 5) action = (struct action){FCHDIR_ACTION, from->fd, 0, NULL};
  return action;
}

// One file that the child will open.
struct child_file {
  struct opening opening;
  struct stat at_start;
  bool has_path;
  struct path path;
};

enum { FILES = 32 };

// What the child does; in memory of its own, as it is large.
struct plan {
  u64 at_ns;
  // Cwd of the child at this action; empty: the parent's.
  char directory[PATH_MAX];
  char name[PATH_MAX];
  u32 count;
  struct child_file files[FILES];
};

// `path` as the child means it, from here.
static const char *seen_from_here(struct plan *plan, const char *path) {
  size_t length = length_of(plan->directory);
  if (path[0] == '/' || !length) return path;
  if (length + 1 + length_of(path) >= sizeof plan->name) return path;
  put_text(put_text(put_text(plan->name, plan->directory), "/"), path);
  return plan->name;
}

static void change_directory(struct plan *plan, const struct action *action) {
  struct path path;
  struct stat stat;
  if (action->kind == FCHDIR_ACTION) {
    if (raw_fstat(action->fd, &stat) < 0 || !path_of_fd(action->fd, &stat, &path)) return;
    put_text(plan->directory, path.text);
  } else if (length_of(action->path) < sizeof plan->directory) {
    struct named named = {AT_FDCWD, seen_from_here(plan, action->path)};
    if (path_of_name(&named, FOLLOW_LAST, &path)) put_text(plan->directory, path.text);
  }
}

static void take(struct plan *plan, const struct action *action) {
  if (action->kind == CHDIR_ACTION || action->kind == FCHDIR_ACTION) change_directory(plan, action);
  if (action->kind != OPEN_ACTION || plan->count == FILES) return;
  struct child_file *file = &plan->files[plan->count++];
  struct named named = {AT_FDCWD, seen_from_here(plan, action->path)};
  before_open(&file->opening, AT_FDCWD, named.path, (u32)action->flags, 0);
  if (raw_stat(AT_FDCWD, named.path, &file->at_start, 0) < 0) file->at_start.st_mode = 0;
  file->has_path = path_of_name(&named, FOLLOW_LAST, &file->path);
}

static void read_actions(struct plan *plan, const posix_spawn_file_actions_t *actions) {
  if (gnu_get_libc_version) {
    const struct glibc_actions *all = (const void *)actions;
    for (int at = 0; at < all->used; at++) {
      struct action action = of_glibc(&all->list[at]);
      take(plan, &action);
    }
    return;
  }
  const struct musl_action *at = ((const struct musl_actions *)(const void *)actions)->last;
  while (at && at->next) at = at->next;
  for (; at; at = at->previous) {
    struct action action = of_musl(at);
    take(plan, &action);
  }
}

// After the start: what each file was at the moment of its open is known, unless the child created it.
static void tell(const struct plan *plan, bool started) {
  for (u32 at = 0; at < plan->count; at++) {
    const struct child_file *file = &plan->files[at];
    struct stat now;
    bool changes = file->opening.flags & (O_ACCMODE | O_CREAT | O_TRUNC);
    bool is_there = raw_stat(AT_FDCWD, file->path.text, &now, 0) == 0 && S_ISREG(now.st_mode);
    const struct stat *stat = is_there && changes ? &now : &file->at_start;
    if (!file->has_path || !S_ISREG(stat->st_mode) || path_is_kernels(&file->path)) continue;
    // Nothing was started; a file may have been made all the same.
    if (!started && (!is_there || file->opening.existed)) continue;
    const struct stat *before = file->opening.existed ? &file->opening.before : NULL;
    event_open(file->opening.flags, &file->path, stat, before, plan->at_ns);
  }
}

// --- hooks -----------------------------------------------------------------------------------------------------------------

struct spawning {
  pid_t *pid;
  const posix_spawn_file_actions_t *actions;
  const posix_spawnattr_t *attributes;
  // The name that is searched for; null: the target's path is one.
  const char *file;
};

static long run_spawn(const struct target *target, void *context) {
  const struct spawning *spawning = context;
  __typeof__(&posix_spawn) spawn = spawning->file && !target->handed_over ? NEXT(posix_spawnp) : NEXT(posix_spawn);
  const char *file = spawning->file && !target->handed_over ? spawning->file : target->path;
  return spawn(spawning->pid, file, spawning->actions, spawning->attributes, target->argv, target->envp);
}

static int spawn_watched(const struct target *target, struct spawning *spawning) {
  struct plan *plan = NULL;
  if (watching() && spawning->actions) {
    long memory = raw(SYS_mmap, 0, sizeof *plan, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory > 0 || memory < -4095) plan = (struct plan *)memory;
  }
  if (!plan) return (int)with_watch(target, run_spawn, spawning);
  read_actions(plan, spawning->actions);
  plan->at_ns = log_now();
  struct target in_child = *target;
  if (target->path[0] != '/') in_child.path = seen_from_here(plan, target->path);
  int result = (int)with_watch(&in_child, run_spawn, spawning);
  tell(plan, result == 0);
  raw(SYS_munmap, plan, sizeof *plan);
  return result;
}

HOOK int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
  struct spawning spawning = {pid, actions, attributes, NULL};
  struct target target = {AT_FDCWD, path, argv, envp, false};
  return spawn_watched(&target, &spawning);
}

HOOK int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
  char found[PATH_MAX];
  const char *path = find_in_path(file, found, sizeof found);
  struct spawning spawning = {pid, actions, attributes, file};
  struct target target = {AT_FDCWD, path ? path : file, argv, envp, false};
  return spawn_watched(&target, &spawning);
}
