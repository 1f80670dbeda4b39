// What the C cases share. A step that fails ends the case with status 90 and a line that says which step.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// The value of a call that must not fail.
#define DO(call) must((long)(call), #call, __FILE__, __LINE__)
// A call that must fail, with this errno.
#define REFUSED(call, error) refused((long)(call), error, #call, __FILE__, __LINE__)

static inline long must(long value, const char *call, const char *file, int line) {
  if (value >= 0) return value;
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, strerror(errno));
  exit(90);
}

static inline void refused(long value, int error, const char *call, const char *file, int line) {
  if (value < 0 && errno == error) return;
  fprintf(stderr, "%s:%d: %s answered %ld, %s\n", file, line, call, value, strerror(errno));
  exit(90);
}

static inline void say(int fd, const char *text) { DO(write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1); }

static inline void drain(int fd) {
  char buffer[8192];
  while (DO(read(fd, buffer, sizeof buffer)) > 0) {
  }
}

static inline void get(const char *name) {
  int fd = DO(open(name, O_RDONLY));
  drain(fd);
  DO(close(fd));
}

static inline void put(const char *name, const char *text) {
  int fd = DO(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  say(fd, text);
  DO(close(fd));
}

static inline void add(const char *name, const char *text) {
  int fd = DO(open(name, O_WRONLY | O_CREAT | O_APPEND, 0644));
  say(fd, text);
  DO(close(fd));
}

// Waits for a child that must end with status 0.
static inline void reap(pid_t child) {
  int status = 0;
  DO(waitpid(child, &status, 0));
  if (status != 0) {
    fprintf(stderr, "child ended with wait status %#x\n", status);
    exit(91);
  }
}
