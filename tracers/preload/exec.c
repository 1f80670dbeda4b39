#include "exec.h"

#include <alloca.h>
#include <errno.h>
#include <linux/limits.h>
#include <unistd.h>

#include "event.h"
#include "files.h"
#include "ids.h"
#include "log.h"
#include "program.h"
#include "shim.h"

// --- what can be done for a program ------------------------------------------------------------------------------------------

// Whether this process may still do what it could when it started: another user or root may not reach the log.
static bool is_reachable(const char *path, int how) { return raw(SYS_faccessat, AT_FDCWD, path, how) == 0; }

static bool is_traced(void) {
  char status[2048];
  long fd = raw_open("/proc/self/status", O_RDONLY);
  if (fd < 0) return false;
  long length = raw(SYS_read, fd, status, sizeof status - 1);
  raw_close(fd);
  status[length > 0 ? length : 0] = 0;
  for (const char *at = status; *at; at++)
    if (starts_with(at, "\nTracerPid:\t")) return at[12] != '0';
  return false;
}

enum treatment { LEAVE_ALONE, INJECT, HAND_OVER };

static void unseen(const char *path, const char *why) {
  event_warning("process-unseen", " runs ", path[0] ? path : "(a descriptor)", why);
}

static bool shim_is_out_of_reach(const char *path) {
  if (!ids_or_root_changed() || (is_reachable(setup.shim, R_OK) && log_is_reachable())) return false;
  unseen(path, ": roar's files are out of its reach (another root, or another user), what it does is not seen");
  return true;
}

static enum treatment treatment_of(const struct target *target, const struct program *program) {
  const char *path = target->path;
  switch (program->kind) {
    case PROGRAM_UNKNOWN:
    case PROGRAM_TEXT:
      return LEAVE_ALONE;
    case PROGRAM_PRIVILEGED:
      event_warning("setuid-program", " runs ", path, " with other rights than its own: what that does is not seen");
      return LEAVE_ALONE;
    case PROGRAM_FOREIGN:
      unseen(path, ", a program of another machine: what it does is not seen");
      return LEAVE_ALONE;
    case PROGRAM_UNREADABLE:
      unseen(path, ", which could not be looked into: if it is a static program, what it does is not seen");
      return shim_is_out_of_reach(path) ? LEAVE_ALONE : INJECT;
    case PROGRAM_DYNAMIC:
      return shim_is_out_of_reach(path) ? LEAVE_ALONE : INJECT;
    case PROGRAM_OPAQUE:
      break;
  }
  if (shim_is_out_of_reach(path)) return LEAVE_ALONE;
  if (is_traced()) {
    unseen(path, ", which uses no shared libraries and is traced by another program: what it does is not seen");
    return LEAVE_ALONE;
  }
  if (is_reachable(setup.roar, X_OK)) return HAND_OVER;
  unseen(path, ", which uses no shared libraries, and `roar` cannot be executed: what it does is not seen");
  return LEAVE_ALONE;
}

// --- environment -----------------------------------------------------------------------------------------------------------

static size_t count_of(char *const *vector) {
  size_t count = 0;
  while (vector && vector[count]) count++;
  return count;
}

static bool is_watched_already(char *const *envp) {
  for (; envp && *envp; envp++)
    if (starts_with(*envp, VARIABLE)) return true;
  return false;
}

static const char *find_variable(char *const *envp, const char *start) {
  for (; envp && *envp; envp++)
    if (starts_with(*envp, start)) return *envp + length_of(start);
  return NULL;
}

enum { LD_PRELOAD_START = sizeof "LD_PRELOAD=" - 1, NUMBERS = 64, ADDED = 3 };

// Sizes of the two strings that `inject` writes.
static size_t preload_size(const char *own, const struct program *program) {
  return LD_PRELOAD_START + length_of(program->first_library) + 1 + length_of(setup.shim) + 1 + (own ? length_of(own) : 0) + 1;
}
static size_t variable_size(void) {
  return sizeof VARIABLE + NUMBERS + length_of(setup.shim) + length_of(setup.roar) + length_of(setup.rundir) + 3;
}

// Fills `envp` with the variables of `old` and the shim's. The number of additional entries is always even: the shim takes
// them out again, and two words beneath the auxiliary vector read as an entry of it that is to be ignored.
static void inject(char *const *old, const char *own, const struct program *program, char *preload, char *variable,
                   char **envp) {
  static char padding[] = PADDING;
  char *at = put_text(preload, "LD_PRELOAD=");
  if (program->first_library[0]) {
    at = put_text(at, program->first_library);
    *at++ = ':';
  }
  at = put_text(at, setup.shim);
  if (own && own[0]) *at++ = ':';
  u64 ours = (u64)(at - preload) - LD_PRELOAD_START;
  put_text(at, own ? own : "");

  at = put_number(put_text(variable, VARIABLE), process_self());
  *at++ = ' ';
  at = put_number(at, ours);
  *at++ = ' ';
  at = put_number(at, own ? KEEPS_LD_PRELOAD : 0);
  *at++ = ' ';
  at = put_text(at, setup.shim);
  *at++ = '\n';
  at = put_text(at, setup.roar);
  *at++ = '\n';
  put_text(at, setup.rundir);

  bool placed = false;
  for (; old && *old; old++) {
    bool replace = !placed && starts_with(*old, "LD_PRELOAD=");
    placed |= replace;
    *envp++ = replace ? preload : *old;
  }
  *envp++ = placed ? padding : preload;
  *envp++ = variable;
  *envp = NULL;
}

// --- handing over ------------------------------------------------------------------------------------------------------------

// `roar internal-handover RUNDIR PARENT DIRFD CLOEXEC PATH ARG0 ...`, see launcher/src/handover_command.rs
enum { HANDOVER_WORDS = 7 };

// The loader would obey these, and `roar` is not meant: they travel under another name.
#define KEPT "ROAR_KEPT_"
static bool is_for_loader(const char *variable) {
  return starts_with(variable, "LD_") || starts_with(variable, "GLIBC_TUNABLES=") || starts_with(variable, "MALLOC_");
}

static size_t kept_size(char *const *envp) {
  size_t size = 0;
  for (; envp && *envp; envp++)
    if (is_for_loader(*envp)) size += sizeof KEPT + length_of(*envp);
  return size;
}

static void keep_variables(char *const *old, char *kept, char **envp) {
  for (; old && *old; old++) {
    if (!is_for_loader(*old)) {
      *envp++ = *old;
      continue;
    }
    *envp++ = kept;
    kept = put_text(put_text(kept, KEPT), *old) + 1;
  }
  *envp = NULL;
}

static long hand_over(const struct target *target, run_target *run, void *context) {
  char parent[24], dirfd[24];
  shared_names_are_unknown();
  struct path absolute;
  const char *path = target->path;
  int fd = -1, closes = 0;
  put_number(parent, process_self());
  put_text(dirfd, "-");
  if (!path[0]) {
    // Only its descriptor, which must survive until `roar` executes it.
    fd = target->dirfd;
    closes = (int)raw(SYS_fcntl, fd, F_GETFD) & FD_CLOEXEC;
    put_number(dirfd, (u64)fd);
    raw(SYS_fcntl, fd, F_SETFD, 0);
  } else if (path[0] != '/' && target->dirfd != AT_FDCWD) {
    struct named named = {target->dirfd, path};
    if (path_of_name(&named, LAST_AS_IT_IS, &absolute)) path = absolute.text;
  }
  char **argv = alloca((HANDOVER_WORDS + count_of(target->argv) + 1) * sizeof *argv);
  char **envp = alloca((count_of(target->envp) + 1) * sizeof *envp);
  const char *words[HANDOVER_WORDS] = {"roar", "internal-handover", setup.rundir, parent, dirfd, closes ? "1" : "0", path};
  copy(argv, words, sizeof words);
  copy(argv + HANDOVER_WORDS, target->argv, (count_of(target->argv) + 1) * sizeof *argv);
  keep_variables(target->envp, alloca(kept_size(target->envp) + 1), envp);
  struct target tracer = {AT_FDCWD, setup.roar, argv, envp, true};
  long result = run(&tracer, context);
  if (fd >= 0) raw(SYS_fcntl, fd, F_SETFD, closes);
  return result;
}

// --- the whole -----------------------------------------------------------------------------------------------------------------

static long run_injected(const struct target *target, const struct program *program, run_target *run, void *context) {
  const char *own = find_variable(target->envp, "LD_PRELOAD=");
  char *preload = alloca(preload_size(own, program)), *variable = alloca(variable_size());
  char **envp = alloca((count_of(target->envp) + ADDED) * sizeof *envp);
  inject(target->envp, own, program, preload, variable, envp);
  struct target watched = *target;
  watched.envp = envp;
  return run(&watched, context);
}

// What libc will execute when the kernel refuses a text.
static void inspect_shell(const char *text, struct program *program) {
  program_inspect(AT_FDCWD, "/bin/sh", program);
  if (program->kind == PROGRAM_DYNAMIC) return;
  program->kind = PROGRAM_UNKNOWN;
  unseen(text, " by a shell that uses no shared libraries: what that does is not seen");
}

long with_watch(const struct target *target, run_target *run, void *context) {
  struct program program;
  if (!watching() || !target->argv) return run(target, context);
  if (is_watched_already(target->envp)) {
    event_warning("nested-run", " starts a run of its own: what belongs to that is not seen here", NULL, "");
    return run(target, context);
  }
  program_inspect(target->dirfd, target->path, &program);
  if (program.kind == PROGRAM_TEXT) inspect_shell(target->path, &program);
  switch (treatment_of(target, &program)) {
    case INJECT:
      return run_injected(target, &program, run, context);
    case HAND_OVER:
      return hand_over(target, run, context);
    case LEAVE_ALONE:
      break;
  }
  return run(target, context);
}

long with_watched_environ(run_target *run, void *context) {
  struct target target = {AT_FDCWD, "/bin/sh", NULL, environ, false};
  struct program program;
  if (!watching() || is_watched_already(environ)) return run(&target, context);
  program_inspect(AT_FDCWD, "/bin/sh", &program);
  if (program.kind != PROGRAM_DYNAMIC || shim_is_out_of_reach("/bin/sh")) return run(&target, context);
  return run_injected(&target, &program, run, context);
}

const char *find_in_path(const char *file, char *into, size_t size) {
  size_t length = length_of(file);
  for (const char *at = file; *at; at++)
    if (*at == '/') return file;
  const char *path = find_variable(environ, "PATH=");
  if (!path) path = "/bin:/usr/bin";
  for (;; path++) {
    size_t part = 0;
    while (path[part] && path[part] != ':') part++;
    if (length && part + 1 + length < size) {
      copy(into, path, part);
      into[part] = '/';
      put_text(into + part + (part > 0), file);
      struct stat stat;
      if (raw_stat(AT_FDCWD, into, &stat, 0) == 0 && S_ISREG(stat.st_mode) && is_reachable(into, X_OK)) return into;
    }
    path += part;
    if (!*path) return NULL;
  }
}
