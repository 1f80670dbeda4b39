// libroar_preload.so: loaded into every dynamic program of a job by LD_PRELOAD, it tells a log in shared memory which files
// the program opens, renames, links and removes.
//
// In C, because it must run in any process, before and beneath everything: no runtime, no allocator, no library of its own
// (-nostdlib, no DT_NEEDED), so that one file works under glibc and musl. A hook never allocates, never takes a lock, never
// prints, never changes errno, and leaves no descriptor open; it works in signal handlers, in threads, after vfork(2), and
// before libc is ready. What it cannot see is in README.md.
#include "shim.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "event.h"
#include "exec.h"
#include "files.h"
#include "jump.h"
#include "log.h"
#include "next.h"
#include "process.h"

WEAK unsigned long getauxval(unsigned long type);
WEAK const char *gnu_get_libc_version(void);
WEAK int on_exit(void (*function)(int, void *), void *context);

struct setup setup;

static enum { UNKNOWN, STARTING, ON, OFF } state;

bool libraries_are_due(void);

// --- environment -----------------------------------------------------------------------------------------------------------

// Copied, as programs write over their environment.
static char setup_text[PATH_MAX];

static char *up_to(char *at, char end) {
  while (*at && *at != end) at++;
  if (!*at) return NULL;
  *at = 0;
  return at + 1;
}

struct told {
  u32 parent;
  // Bytes at the begin of LD_PRELOAD that are not the user's.
  size_t ours;
  bool keeps;
};

// PARENT OURS FLAGS SHIM\nROAR\nRUNDIR
WEAK void __tsan_init(void);

static bool read_variable(const char *text, struct told *told) {
  told->parent = (u32)take_number(&text);
  if (*text++ != ' ') return false;
  told->ours = take_number(&text);
  if (*text++ != ' ') return false;
  told->keeps = take_number(&text) & KEEPS_LD_PRELOAD;
  if (*text++ != ' ' || length_of(text) >= sizeof setup_text) return false;
  put_text(setup_text, text);
  char *roar = up_to(setup_text, '\n');
  char *rundir = roar ? up_to(roar, '\n') : NULL;
  setup = (struct setup){setup_text, roar, rundir};
  return rundir != NULL;
}

// Takes the shim's variables out of a vector, in place: `main` may get it as its third argument.
static void clean(char **envp, const struct told *told) {
  char **to = envp;
  for (char **from = envp; *from; from++) {
    if (starts_with(*from, VARIABLE) || starts_with(*from, PADDING)) continue;
    if (starts_with(*from, "LD_PRELOAD=") && length_of(*from) >= 11 + told->ours) {
      if (!told->keeps) continue;
      char *value = *from + 11;
      for (char *rest = value + told->ours;; rest++, value++)
        if (!(*value = *rest)) break;
    }
    *to++ = *from;
  }
  *to = NULL;
}

// Who walks over the vector finds the auxiliary vector behind its end, moved by two words: an entry to be ignored.
static void close_gap(char **envp) {
  while (*envp) envp++;
  envp[1] = (char *)AT_IGNORE;
  envp[2] = NULL;
}

static const char *find(char *const *envp, const char *start) {
  for (; envp && *envp; envp++)
    if (starts_with(*envp, start)) return *envp + length_of(start);
  return NULL;
}

// --- start -------------------------------------------------------------------------------------------------------------------

static bool find_path(const char *name, struct path *path) {
  struct named named = {AT_FDCWD, name};
  return path_of_name(&named, FOLLOW_LAST, path);
}

// Scripts that are the interpreter of a script; the last interpreter is the program itself.
static void tell_interpreters(const char *script, const struct stat *program) {
  char head[256];
  for (int depth = 0; depth < 4; depth++) {
    struct stat stat;
    long fd = raw_open(script, O_RDONLY);
    if (fd < 0) return;
    long length = raw(SYS_read, fd, head, sizeof head - 1);
    raw_close(fd);
    if (length < 3 || head[0] != '#' || head[1] != '!') return;
    head[length] = 0;
    char *name = head + 2;
    while (*name == ' ' || *name == '\t') name++;
    char *end = name;
    while (*end && *end != ' ' && *end != '\t' && *end != '\n') end++;
    *end = 0;
    if (raw_stat(AT_FDCWD, name, &stat, 0) < 0 || same_file(&stat, program)) return;
    loaded(name);
    script = name;
  }
}

static void tell_exec(char *const *argv) {
  enum { WORDS = 1 << 20 };
  struct path exe, script;
  struct stat stat, script_stat;
  long length = raw_readlink("/proc/self/exe", exe.text, sizeof exe.text - 1);
  if (length <= 0 || raw_stat(AT_FDCWD, "/proc/self/exe", &stat, 0) < 0) return;
  exe.length = (u32)length;
  exe.text[length] = 0;
  struct event_exec exec = {.exe = &exe, .stat = &stat, .argv = argv};
  const char *file = getauxval ? (const char *)getauxval(AT_EXECFN) : NULL;
  bool other = file && !same_text(file, exe.text) && raw_stat(AT_FDCWD, file, &script_stat, 0) == 0;
  if (other && S_ISREG(script_stat.st_mode) && !same_file(&script_stat, &stat) && find_path(file, &script)) {
    tell_interpreters(file, &stat);
    exec.script = &script;
    exec.script_stat = &script_stat;
  }
  long memory = 0;
  if (!argv) {
    memory = raw(SYS_mmap, 0, WORDS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    long fd = raw_open("/proc/self/cmdline", O_RDONLY);
    if (memory > 0 && fd >= 0) {
      long count = 0, more;
      while (count < WORDS - 1 && (more = raw(SYS_read, fd, memory + count, WORDS - 1 - count)) > 0) count += more;
      exec.words = (const char *)memory;
      exec.words_length = (size_t)count;
    }
    if (fd >= 0) raw_close(fd);
  }
  event_exec(&exec);
  if (memory > 0) raw(SYS_munmap, memory, WORDS);
}

static void at_end(int status, void *context) {
  (void)context;
  if (state != ON) return;
  if (libraries_are_due()) libraries_look();
  event_exit((u32)(status & 255) << 8);
}

// `argv` and `envp` are null when they are not known yet.
static void start(char *const *argv, char **envp) {
  struct told told;
  state = STARTING;
  char **here = environ ? environ : envp;
  const char *variable = find(here, VARIABLE);
  bool usable = variable && read_variable(variable, &told);
  if (usable) {
    clean(here, &told);
    if (envp && envp != here) clean(envp, &told);
  }
  if (!usable || !log_map(setup.rundir)) {
    state = OFF;
    return;
  }
  process_starts(told.parent);
  state = ON;
  if (told.keeps || __tsan_init) never_open_plainly();
  tell_exec(argv);
  libraries_look();
  if (on_exit) on_exit(at_end, NULL);
}

// The thread sanitizer opens files in the middle of a report, where dlsym(3) must not be called: it would free with another
// allocator than it had.
static void find_open(void) {
  if (!__tsan_init || state != ON) return;
  int kept = errno;
  open("", O_RDONLY);
  errno = kept;
}

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp) {
  // musl passes nothing.
  bool passes = gnu_get_libc_version != NULL;
  (void)argc;
  bool came_with_us = passes && find(envp, VARIABLE);
  if (state == UNKNOWN) start(passes ? argv : NULL, passes ? envp : NULL);
  if (came_with_us && !find(envp, VARIABLE)) close_gap(envp);
  find_open();
}

bool watching(void) {
  if (__builtin_expect(state == UNKNOWN && environ, 0)) start(NULL, NULL);
  if (state != ON) return false;
  if (__builtin_expect(libraries_are_due(), 0)) libraries_look();
  return true;
}

// --- processes ---------------------------------------------------------------------------------------------------------------

void process_forked(u32 parent) {
  process_starts(parent);
  path_cwd_is_private();
}

void process_is_left_alone(void) { state = OFF; }

void tell_io_uring(void) {
  event_warning("io-uring", " uses io_uring: files that it opened or renamed through it are not seen", NULL, "");
}

#define HOOK_FORK(name)                                              \
  HOOK pid_t name(void);                                             \
  HOOK pid_t name(void) {                                            \
    if (!watching()) return NEXT(name)();                            \
    u32 parent = process_self();                                     \
    pid_t child = NEXT(name)();                                      \
    if (child == 0) process_forked(parent);                          \
    return child;                                                    \
  }
HOOK_FORK(fork)
HOOK_FORK(__fork)
HOOK_FORK(__libc_fork)
HOOK_FORK(_Fork)

// A child of vfork(2) comes back on the stack of its parent, and shares its memory as one of clone(2) may.
static void guests_come(void) {
  if (!watching()) return;
  process_may_have_guests();
  path_cwd_is_shared();
}
__attribute__((used)) static void *before_vfork(void) {
  guests_come();
  return next_function("vfork");
}
__attribute__((used)) static void *before_clone(void) {
  guests_come();
  return next_function("clone");
}
JUMP_HOOK(vfork, before_vfork);
JUMP_HOOK(__vfork, before_vfork);
JUMP_HOOK(clone, before_clone);
JUMP_HOOK(__clone, before_clone);

// libc forks by itself in these.
HOOK int daemon(int keep_directory, int keep_files);
HOOK int daemon(int keep_directory, int keep_files) {
  u32 parent = watching() ? process_self() : 0;
  int result = NEXT(daemon)(keep_directory, keep_files);
  if (result == 0 && parent) process_forked(parent);
  if (!keep_directory) path_cwd_changed();
  return result;
}

struct termios;
struct winsize;
HOOK pid_t forkpty(int *master, char *name, const struct termios *mode, const struct winsize *size);
HOOK pid_t forkpty(int *master, char *name, const struct termios *mode, const struct winsize *size) {
  u32 parent = watching() ? process_self() : 0;
  pid_t child = NEXT(forkpty)(master, name, mode, size);
  if (child == 0 && parent) process_forked(parent);
  return child;
}

#define HOOK_EXIT(name)                                              \
  HOOK void name(int status) {                                       \
    if (watching()) event_exit((u32)(status & 255) << 8);            \
    NEXT(name)(status);                                              \
    for (;;) raw(SYS_exit_group, status);                            \
  }
HOOK_EXIT(_exit)
HOOK_EXIT(_Exit)

// --- launcher ------------------------------------------------------------------------------------------------------------------

// For the child of the launcher, which loads the shim by dlopen(3): joins the run as if the shim had been there from the
// start, so that its exec is treated as any other. Returns 0, or an errno.
HOOK int roar_join(const char *shim, const char *roar, const char *rundir);
HOOK int roar_join(const char *shim, const char *roar, const char *rundir) {
  if (length_of(shim) + length_of(roar) + length_of(rundir) + 3 > sizeof setup_text) return ENAMETOOLONG;
  // What the loader and the variable of the next program cannot take.
  for (const char *at = shim; *at; at++)
    if (*at == ' ' || *at == ':' || *at == '\n') return EINVAL;
  if (state == ON) {
    // The launcher belongs to another run itself, and has the shim in it as any program has.
    event_warning("nested-run", " starts a run of its own: what belongs to that is not seen here", NULL, "");
    log_forget();
  } else {
    next_is_anywhere();
  }
  setup = (struct setup){shim, roar, rundir};
  if (!log_map(rundir)) return EIO;
  process_starts(0);
  state = ON;
  return 0;
}

HOOK int roar_execve(const char *path, char *const argv[], char *const envp[]);
HOOK int roar_execve(const char *path, char *const argv[], char *const envp[]) {
  return watched_execve(path, argv, envp);
}

// The compiler may call these, and nobody else: libc's own ones may not be ready yet.
void *memcpy(void *to, const void *from, size_t count) {
  copy(to, from, count);
  return to;
}
void *memset(void *to, int value, size_t count) {
  volatile u8 *at = to;
  while (count--) *at++ = (u8)value;
  return to;
}
