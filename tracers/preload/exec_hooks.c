// Functions of libc that execute a program or start one.
#include <alloca.h>
#include <errno.h>
#include <linux/limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <wordexp.h>

#include "exec.h"
#include "next.h"
#include "shim.h"

extern HOOK int execvpe(const char *file, char *const argv[], char *const envp[]);
extern HOOK int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);

// --- exec(3) ---------------------------------------------------------------------------------------------------------------

static long run_execve(const struct target *target, void *context) {
  (void)context;
  return NEXT(execve)(target->path, target->argv, target->envp);
}

// Not by way of `execve` itself, which the program may have replaced as well.
int watched_execve(const char *path, char *const argv[], char *const envp[]) {
  struct target target = {AT_FDCWD, path, argv, envp, false};
  return (int)with_watch(&target, run_execve, NULL);
}

HOOK int execve(const char *path, char *const argv[], char *const envp[]) { return watched_execve(path, argv, envp); }
HOOK int execv(const char *path, char *const argv[]) { return watched_execve(path, argv, environ); }

static long run_execveat(const struct target *target, void *context) {
  if (target->handed_over) return run_execve(target, NULL);
  return NEXT(execveat)(target->dirfd, target->path, target->argv, target->envp, *(int *)context);
}

HOOK int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags) {
  struct target target = {dirfd, path, argv, envp, false};
  return (int)with_watch(&target, run_execveat, &flags);
}

static long run_fexecve(const struct target *target, void *context) {
  (void)context;
  if (target->handed_over) return run_execve(target, NULL);
  return NEXT(fexecve)(target->dirfd, target->argv, target->envp);
}

HOOK int fexecve(int fd, char *const argv[], char *const envp[]) {
  struct target target = {fd, "", argv, envp, false};
  return (int)with_watch(&target, run_fexecve, NULL);
}

// `context` is the name as it was given: the search is libc's own.
static long run_execvpe(const struct target *target, void *context) {
  if (target->handed_over) return run_execve(target, NULL);
  return NEXT(execvpe)(context, target->argv, target->envp);
}

static int watched_execvpe(const char *file, char *const argv[], char *const envp[]) {
  char found[PATH_MAX];
  const char *path = find_in_path(file, found, sizeof found);
  struct target target = {AT_FDCWD, path ? path : file, argv, envp, false};
  return (int)with_watch(&target, run_execvpe, (void *)(uintptr_t)file);
}

HOOK int execvpe(const char *file, char *const argv[], char *const envp[]) { return watched_execvpe(file, argv, envp); }
HOOK int execvp(const char *file, char *const argv[]) { return watched_execvpe(file, argv, environ); }

// The words of execl(3), the first of which is known, become `argv`; what follows their null is left in `args`.
#define COLLECT(first, argv, args)                                  \
  va_start(args, first);                                            \
  size_t count = 1;                                                 \
  while (va_arg(args, char *)) count++;                             \
  va_end(args);                                                     \
  char **argv = alloca((count + 1) * sizeof *argv);                 \
  va_start(args, first);                                            \
  argv[0] = (char *)(uintptr_t)first;                               \
  for (size_t at = 1; at <= count; at++) argv[at] = va_arg(args, char *)

HOOK int execl(const char *path, const char *first, ...) {
  va_list args;
  COLLECT(first, argv, args);
  va_end(args);
  return watched_execve(path, argv, environ);
}

HOOK int execle(const char *path, const char *first, ...) {
  va_list args;
  COLLECT(first, argv, args);
  char **envp = va_arg(args, char **);
  va_end(args);
  return watched_execve(path, argv, envp);
}

HOOK int execlp(const char *file, const char *first, ...) {
  va_list args;
  COLLECT(first, argv, args);
  va_end(args);
  return watched_execvpe(file, argv, environ);
}

// --- functions that start a shell with the environment of this process ------------------------------------------------------

struct shell {
  const char *command, *mode;
  FILE *stream;
  wordexp_t *words;
  int flags;
  enum { SYSTEM, POPEN, WORDEXP } function;
};

static bool is_in(char *const *vector, const char *variable) {
  for (; vector && *vector; vector++)
    if (*vector == variable) return true;
  return false;
}

// Another thread has set a variable meanwhile, in a copy of our vector: what was added to that comes out of it again.
static void take_out(char **copied, char *const *added, char **kept) {
  char **to = copied;
  for (char **from = copied; *from; from++) {
    bool ours = is_in(added, *from) && !is_in(kept, *from);
    if (!ours) *to++ = *from;
    for (char **old = kept; ours && starts_with(*from, "LD_PRELOAD=") && *old; old++)
      if (starts_with(*old, "LD_PRELOAD=")) *to++ = *old;
  }
  *to = NULL;
}

static long run_shell(const struct target *target, void *context) {
  struct shell *shell = context;
  char **kept = environ;
  long result = 0;
  environ = (char **)(uintptr_t)target->envp;
  switch (shell->function) {
    case SYSTEM:
      result = NEXT(system)(shell->command);
      break;
    case POPEN:
      shell->stream = NEXT(popen)(shell->command, shell->mode);
      break;
    case WORDEXP:
      result = NEXT(wordexp)(shell->command, shell->words, shell->flags);
      break;
  }
  if (environ == target->envp) environ = kept;
  else if (environ && target->envp != kept) take_out(environ, target->envp, kept);
  return result;
}

HOOK int system(const char *command) {
  struct shell shell = {.command = command, .function = SYSTEM};
  return (int)with_watched_environ(run_shell, &shell);
}

HOOK FILE *popen(const char *command, const char *mode) {
  struct shell shell = {.command = command, .mode = mode, .function = POPEN};
  with_watched_environ(run_shell, &shell);
  return shell.stream;
}

HOOK int wordexp(const char *text, wordexp_t *words, int flags) {
  struct shell shell = {.command = text, .words = words, .flags = flags, .function = WORDEXP};
  return (int)with_watched_environ(run_shell, &shell);
}
