// Executes programs of file operations (README.md has the language), and says on stdout how each operation went.
//
//   interpreter LIST             every line `NUMBER ROOT PROGRAM`: one program after the other, each in a child of its own
//                                and in its own folder; the last one in this process
//   interpreter --script PATH    what a `#!` line asks for: reads the script
//   interpreter --part ...       a part of a program, by `vexec` and `exec` below; see `part_words`
//
// An operation that fails does nothing and says `x`. All processes and threads of a program take turns, so that its
// outcome is always the same: a child runs only while its parent waits for it in `resume`.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 6, MAPS = 3, KIDS = 8, WORDS = 10, PAGE = 4096, LINES = 4096, DATA = 8192, HIGH_FD = 600 };

// A child process or thread that takes turns with its parent.
struct kid {
  pid_t pid;  // 0: a thread
  pthread_t thread;
  int go, done;
  int alive;
};

// Who executes lines of the program: a process, or a thread of one.
struct runner {
  int first, last;  // lines; `last` is not executed
  int is_thread;
  int go, done;  // to the parent; -1: none
  int kid_count;
  struct kid kids[KIDS];
};

// What all threads of a process share.
static const char *self_path, *program_path, *root;
static int number;
static char *lines[LINES];
static int line_count;
static int slots[SLOTS];
static char *maps[MAPS];
static __thread sigjmp_buf fault;

static void die(const char *what) {
  fprintf(stderr, "interpreter: %s: %s\n", what, strerror(errno));
  _exit(99);
}

static void on_fault(int signal) {
  (void)signal;
  siglongjmp(fault, 1);
}

// Moves a descriptor out of the way of those that programs open.
static int out_of_the_way(int fd) {
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
  if (moved < 0) die("fcntl");
  close(fd);
  return moved;
}

static void load(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) < 0) die(path);
  char *text = calloc(1, (size_t)facts.st_size + 1);
  if (!text || read(fd, text, (size_t)facts.st_size) != facts.st_size) die(path);
  close(fd);
  line_count = 0;
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    if (line_count == LINES) die("too many lines");
    lines[line_count++] = line;
  }
}

static void say(int line, const char *text) {
  char out[DATA * 2 + 64];
  int length = snprintf(out, sizeof out, "%d %d %s\n", number, line, text);
  if (write(1, out, (size_t)length) != length) _exit(98);
}

static void say_value(int line, long value) {
  char text[32];
  snprintf(text, sizeof text, "%ld", value);
  say(line, value < 0 ? "x" : text);
}

static int slot_of(const char *word) {
  return atoi(word) % SLOTS;
}

static int fd_of(const char *word) {
  return slots[slot_of(word)];
}

static int directory_of(const char *word) {
  return strcmp(word, "-") ? fd_of(word) : AT_FDCWD;
}

// `@` at the beginning stands for the program's folder, `%N` for the descriptor of a slot by way of /proc.
static const char *path_of(const char *word, char *room) {
  if (word[0] == '@') {
    snprintf(room, PATH_MAX, "%s%s", root, word + 1);
  } else if (word[0] == '%') {
    snprintf(room, PATH_MAX, "/proc/self/fd/%d%s", slots[(word[1] - '0') % SLOTS], word + 2);
  } else {
    return word;
  }
  return room;
}

static void put_slot(int slot, int fd) {
  if (slots[slot] >= 0) close(slots[slot]);
  slots[slot] = fd;
}

static long into_slot(const char *word, int fd) {
  if (fd < 0) return -1;
  put_slot(slot_of(word), fd);
  return 0;
}

// open SLOT HOW DIR PATH FLAGS
static long do_open(char **word) {
  char room[PATH_MAX];
  const char *how = word[2], *path = path_of(word[4], room);
  int directory = directory_of(word[3]), flags = (int)strtol(word[5], NULL, 8), fd;
  if (!strcmp(how, "open")) {
    fd = open(path, flags, 0644);
  } else if (!strcmp(how, "creat")) {
    fd = creat(path, 0644);
  } else if (!strcmp(how, "openat2")) {
    struct open_how request = {.flags = (unsigned)flags, .mode = flags & O_CREAT ? 0644 : 0};
    fd = (int)syscall(SYS_openat2, directory, path, &request, sizeof request);
  } else {
    fd = openat(directory, path, flags, 0644);
  }
  return into_slot(word[1], fd);
}

// tmpfile SLOT DIR FLAGS
static long do_tmpfile(char **word) {
  char room[PATH_MAX];
  int flags = (int)strtol(word[3], NULL, 8) | O_TMPFILE;
  return into_slot(word[1], open(path_of(word[2], room), flags, 0644));
}

// read SLOT COUNT [OFFSET]: says what it read
static int do_read(int line, int count, char **word) {
  static __thread char data[DATA];
  static __thread char text[DATA * 2 + 2];
  size_t wanted = (size_t)atol(word[2]);
  if (wanted > DATA) wanted = DATA;
  ssize_t got = count > 3 ? pread(fd_of(word[1]), data, wanted, atol(word[3])) : read(fd_of(word[1]), data, wanted);
  if (got < 0) return say(line, "x"), 0;
  text[0] = '=';
  for (ssize_t at = 0; at < got; at++) sprintf(text + 1 + 2 * at, "%02x", (unsigned char)data[at]);
  text[1 + 2 * got] = 0;
  return say(line, text), 0;
}

// write SLOT TEXT REPEAT [OFFSET]
static long do_write(int count, char **word) {
  char data[DATA];
  size_t length = 0, size = strlen(word[2]);
  for (int times = atoi(word[3]); times > 0 && length + size <= sizeof data; times--, length += size) {
    memcpy(data + length, word[2], size);
  }
  if (count > 4) return pwrite(fd_of(word[1]), data, length, atol(word[4]));
  return write(fd_of(word[1]), data, length);
}

// rename HOW DIR PATH DIR PATH FLAGS
static long do_rename(char **word) {
  char room[2][PATH_MAX];
  const char *how = word[1], *from = path_of(word[3], room[0]), *to = path_of(word[5], room[1]);
  if (!strcmp(how, "rename")) return rename(from, to);
  if (!strcmp(how, "renameat")) return renameat(directory_of(word[2]), from, directory_of(word[4]), to);
  return renameat2(directory_of(word[2]), from, directory_of(word[4]), to, (unsigned)atoi(word[6]));
}

// link DIR PATH DIR PATH FOLLOW
static long do_link(char **word) {
  char room[2][PATH_MAX];
  int flags = atoi(word[5]) ? AT_SYMLINK_FOLLOW : 0;
  const char *from = path_of(word[2], room[0]), *to = path_of(word[4], room[1]);
  return linkat(directory_of(word[1]), from, directory_of(word[3]), to, flags);
}

// symlink PATH TARGET
static long do_symlink(char **word) {
  char room[2][PATH_MAX];
  return symlink(path_of(word[2], room[0]), path_of(word[1], room[1]));
}

// unlink DIR PATH, rmdir DIR PATH
static long do_unlink(char **word, int flags) {
  char room[PATH_MAX];
  const char *path = path_of(word[2], room);
  if (!strcmp(word[1], "-")) return flags ? rmdir(path) : unlink(path);
  return unlinkat(directory_of(word[1]), path, flags);
}

// copy IN OUT COUNT, sendfile IN OUT COUNT: never from a file to itself
static long do_copy(char **word, int in_kernel) {
  int in = fd_of(word[1]), out = fd_of(word[2]);
  struct stat source, target;
  if (fstat(in, &source) < 0 || fstat(out, &target) < 0 || source.st_ino == target.st_ino) return -1;
  size_t count = (size_t)atol(word[3]);
  return in_kernel ? copy_file_range(in, NULL, out, NULL, count, 0) : sendfile(out, in, NULL, count);
}

// mmap MAP SLOT shared|private r|rw
static long do_mmap(char **word) {
  int at = atoi(word[1]) % MAPS;
  int protection = strcmp(word[4], "rw") ? PROT_READ : PROT_READ | PROT_WRITE;
  int flags = strcmp(word[3], "shared") ? MAP_PRIVATE : MAP_SHARED;
  char *map = mmap(NULL, PAGE, protection, flags, fd_of(word[2]), 0);
  if (map == MAP_FAILED) return -1;
  if (maps[at]) munmap(maps[at], PAGE);
  maps[at] = map;
  return 0;
}

// peek MAP, poke MAP CHARACTER: the first byte; fails where there is no map, no byte, or it may not be written
static long do_touch(char **word, int writes) {
  volatile char *map = maps[atoi(word[1]) % MAPS];
  if (!map || sigsetjmp(fault, 1)) return -1;
  if (writes) *map = word[2][0];
  return writes ? 0 : *map * 0;
}

static long do_munmap(char **word) {
  char **map = &maps[atoi(word[1]) % MAPS];
  if (!*map) return -1;
  munmap(*map, PAGE);
  *map = NULL;
  return 0;
}

// utimes PATH SECONDS, futimes SLOT SECONDS
static long do_utimes(char **word, int by_descriptor) {
  char room[PATH_MAX];
  struct timespec times[2] = {{.tv_sec = atol(word[2])}, {.tv_sec = atol(word[2])}};
  if (by_descriptor) return futimens(fd_of(word[1]), times);
  return utimensat(AT_FDCWD, path_of(word[1], room), times, 0);
}

// dup SLOT SLOT
static long do_dup(char **word) {
  return into_slot(word[2], dup(fd_of(word[1])));
}

static long do_close(char **word) {
  if (fd_of(word[1]) < 0) return -1;
  put_slot(slot_of(word[1]), -1);
  return 0;
}

// spawn PATH: runs a file; succeeds when that ends with 0
static long do_spawn(char **word) {
  char room[PATH_MAX];
  const char *path = path_of(word[1], room);
  char *const argv[] = {(char *)path, NULL};
  int status;
  pid_t child = vfork();
  if (child < 0) die("vfork");
  if (child == 0) {
    execv(path, argv);
    _exit(127);
  }
  if (waitpid(child, &status, 0) < 0) die("waitpid");
  return status == 0 ? 0 : -1;
}

// race PATH: one process makes a file while another waits for it to appear, and reads it as soon as it can
static long do_race(char **word) {
  char room[PATH_MAX], c;
  const char *path = path_of(word[1], room);
  if (!access(path, F_OK)) return -1;
  pid_t reader = fork();
  if (reader < 0) die("fork");
  if (reader == 0) {
    for (int tries = 0; tries < 20000; tries++) {
      int fd = open(path, O_RDONLY);
      if (fd < 0) continue;
      _exit(read(fd, &c, 1) < 0);
    }
    _exit(0);
  }
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (fd < 0) kill(reader, SIGKILL);
  ssize_t done = fd < 0 ? -1 : write(fd, "raced", 5);
  if (fd >= 0) close(fd);
  waitpid(reader, NULL, 0);
  return done;
}

static int block_end(int line) {
  for (int depth = 1; ++line < line_count;) {
    const char *text = lines[line];
    if (!strcmp(text, "end") && --depth == 0) return line;
    if (!strcmp(text, "fork") || !strcmp(text, "vexec") || !strcmp(text, "thread")) depth++;
  }
  die("no end");
  return 0;
}

static void run(struct runner *me);

// Ends the turn of a child that goes on later.
static void yield(struct runner *me) {
  char byte = 'y';
  if (me->done < 0) return;
  if (write(me->done, &byte, 1) != 1 || read(me->go, &byte, 1) != 1) _exit(97);
}

static void last_word(struct runner *me) {
  char byte = 'e';
  if (write(me->done, &byte, 1) != 1) _exit(96);
}

// Waits until a child yields or ends.
static void listen_to(struct kid *kid) {
  char byte = 'e';
  if (read(kid->done, &byte, 1) != 1) die("a child is lost");
  if (byte == 'y') return;
  kid->alive = 0;
  if (kid->pid ? waitpid(kid->pid, NULL, 0) < 0 : pthread_join(kid->thread, NULL) != 0) die("waiting for a child");
  close(kid->go);
  close(kid->done);
}

static long resume(struct runner *me, int at) {
  char byte = 'g';
  if (at >= me->kid_count || !me->kids[at].alive) return -1;
  if (write(me->kids[at].go, &byte, 1) != 1) die("resuming");
  listen_to(&me->kids[at]);
  return 0;
}

static void *thread_main(void *given) {
  struct runner *me = given;
  run(me);
  last_word(me);
  free(me);
  return NULL;
}

// The words of `--part`: program, its number and folder, lines, pipes, slots.
static char **part_words(int first, int last, int go, int done) {
  static char text[7 + SLOTS][PATH_MAX];
  static char *words[11 + SLOTS];
  int at = 0, words_at = 0;
  words[words_at++] = (char *)self_path;
  words[words_at++] = (char *)"--part";
  words[words_at++] = (char *)program_path;
  words[words_at++] = (char *)root;
  const int values[] = {number, first, last, go, done};
  for (size_t value = 0; value < sizeof values / sizeof *values; value++) {
    snprintf(text[at], PATH_MAX, "%d", values[value]);
    words[words_at++] = text[at++];
  }
  for (int slot = 0; slot < SLOTS; slot++) {
    int kept = slots[slot] >= 0 && !(fcntl(slots[slot], F_GETFD) & FD_CLOEXEC);
    snprintf(text[at], PATH_MAX, "%d", kept ? slots[slot] : -1);
    words[words_at++] = text[at++];
  }
  words[words_at] = NULL;
  return words;
}

static void keep_open(int fd) {
  if (fd >= 0) fcntl(fd, F_SETFD, 0);
}

// exec: goes on as a new program; not where others of this process would be lost
static long do_exec(struct runner *me, int line) {
  if (me->is_thread) return -1;
  for (int at = 0; at < me->kid_count; at++) {
    if (me->kids[at].alive) return -1;
  }
  say(line, "0");
  keep_open(me->go);
  keep_open(me->done);
  execv(self_path, part_words(line + 1, me->last, me->go, me->done));
  die(self_path);
  return 0;
}

// fork, vexec, thread: a child that runs the lines up to `end`, until it yields or ends
static long start_kid(struct runner *me, int line, int end) {
  int go[2], done[2];
  if (me->kid_count == KIDS || pipe2(go, O_CLOEXEC) < 0 || pipe2(done, O_CLOEXEC) < 0) die("too many children");
  for (int at = 0; at < 2; at++) {
    go[at] = out_of_the_way(go[at]);
    done[at] = out_of_the_way(done[at]);
  }
  struct kid *kid = &me->kids[me->kid_count++];
  *kid = (struct kid){.alive = 1, .go = go[1], .done = done[0]};
  if (!strcmp(lines[line], "thread")) {
    struct runner *other = calloc(1, sizeof *other);
    if (!other) die("calloc");
    *other = (struct runner){.first = line + 1, .last = end, .is_thread = 1, .go = go[0], .done = done[1]};
    if (pthread_create(&kid->thread, NULL, thread_main, other)) die("pthread_create");
    listen_to(kid);
    if (kid->alive) return 0;
    close(go[0]);
    close(done[1]);
    return 0;
  }
  if (!strcmp(lines[line], "vexec")) {
    char **words = part_words(line + 1, end, go[0], done[1]);
    kid->pid = vfork();
    if (kid->pid == 0) {
      keep_open(go[0]);
      keep_open(done[1]);
      execv(self_path, words);
      _exit(95);
    }
  } else {
    kid->pid = fork();
    if (kid->pid == 0) {
      struct runner other = {.first = line + 1, .last = end, .go = go[0], .done = done[1]};
      run(&other);
      last_word(&other);
      _exit(0);
    }
  }
  if (kid->pid < 0) die("fork");
  close(go[0]);
  close(done[1]);
  listen_to(kid);
  return 0;
}

static int split(const char *line, char *room, char **words) {
  int count = 0;
  char *rest = NULL;
  snprintf(room, DATA, "%s", line);
  for (char *word = strtok_r(room, " ", &rest); word && count < WORDS; word = strtok_r(NULL, " ", &rest)) {
    words[count++] = word;
  }
  return count;
}

// Executes one line; returns the line that follows.
static int step(struct runner *me, int line) {
  char room[DATA], path[PATH_MAX];
  char *word[WORDS] = {0};
  int count = split(lines[line], room, word);
  const char *name = word[0];
  long value;
  if (!strcmp(name, "yield")) return yield(me), line + 1;
  if (!strcmp(name, "read")) return do_read(line, count, word), line + 1;
  if (!strcmp(name, "fork") || !strcmp(name, "vexec") || !strcmp(name, "thread")) {
    int end = block_end(line);
    return start_kid(me, line, end), end + 1;
  }
  if (!strcmp(name, "open")) value = do_open(word);
  else if (!strcmp(name, "tmpfile")) value = do_tmpfile(word);
  else if (!strcmp(name, "inherit")) value = into_slot(word[1], atoi(word[2]));
  else if (!strcmp(name, "write")) value = do_write(count, word);
  else if (!strcmp(name, "seek")) value = lseek(fd_of(word[1]), atol(word[2]), SEEK_SET);
  else if (!strcmp(name, "close")) value = do_close(word);
  else if (!strcmp(name, "ftruncate")) value = ftruncate(fd_of(word[1]), atol(word[2]));
  else if (!strcmp(name, "truncate")) value = truncate(path_of(word[1], path), atol(word[2]));
  else if (!strcmp(name, "rename")) value = do_rename(word);
  else if (!strcmp(name, "link")) value = do_link(word);
  else if (!strcmp(name, "symlink")) value = do_symlink(word);
  else if (!strcmp(name, "unlink")) value = do_unlink(word, 0);
  else if (!strcmp(name, "rmdir")) value = do_unlink(word, AT_REMOVEDIR);
  else if (!strcmp(name, "mkdir")) value = mkdirat(directory_of(word[1]), path_of(word[2], path), 0755);
  else if (!strcmp(name, "mknod")) value = mknodat(directory_of(word[1]), path_of(word[2], path), S_IFREG | 0644, 0);
  else if (!strcmp(name, "chdir")) value = chdir(path_of(word[1], path));
  else if (!strcmp(name, "fchdir")) value = fchdir(fd_of(word[1]));
  else if (!strcmp(name, "mmap")) value = do_mmap(word);
  else if (!strcmp(name, "peek")) value = do_touch(word, 0);
  else if (!strcmp(name, "poke")) value = do_touch(word, 1);
  else if (!strcmp(name, "munmap")) value = do_munmap(word);
  else if (!strcmp(name, "copy")) value = do_copy(word, 1);
  else if (!strcmp(name, "sendfile")) value = do_copy(word, 0);
  else if (!strcmp(name, "dup")) value = do_dup(word);
  else if (!strcmp(name, "utimes")) value = do_utimes(word, 0);
  else if (!strcmp(name, "futimes")) value = do_utimes(word, 1);
  else if (!strcmp(name, "spawn")) value = do_spawn(word);
  else if (!strcmp(name, "race")) value = do_race(word);
  else if (!strcmp(name, "resume")) value = resume(me, atoi(word[1]));
  else if (!strcmp(name, "exec")) value = do_exec(me, line);
  else return die(name), 0;
  say_value(line, value);
  return line + 1;
}

static void run(struct runner *me) {
  for (int line = me->first; line < me->last;) line = step(me, line);
  for (int at = 0; at < me->kid_count; at++) {
    while (me->kids[at].alive) resume(me, at);
  }
}

static void begin(void) {
  struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
  sigaction(SIGBUS, &action, NULL);
  sigaction(SIGSEGV, &action, NULL);
  for (int slot = 0; slot < SLOTS; slot++) slots[slot] = -1;
}

static void run_program(char *line) {
  char *rest = NULL;
  number = atoi(strtok_r(line, " ", &rest));
  root = strtok_r(NULL, " ", &rest);
  program_path = strtok_r(NULL, " ", &rest);
  if (!root || !program_path || chdir(root) < 0) die("the list");
  load(program_path);
  struct runner me = {.first = 0, .last = line_count, .go = -1, .done = -1};
  run(&me);
}

static int run_list(const char *path) {
  load(path);
  int count = line_count;
  char **list = calloc((size_t)count, sizeof *list);
  if (!list) die("calloc");
  memcpy(list, lines, (size_t)count * sizeof *list);
  for (int at = 0; at + 1 < count; at++) {
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
      run_program(list[at]);
      _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) < 0 || status != 0) {
      fprintf(stderr, "interpreter: `%s` ended with status %#x\n", list[at], status);
      return 94;
    }
  }
  if (count) run_program(list[count - 1]);
  return 0;
}

static int run_part(char **word) {
  program_path = word[0];
  root = word[1];
  number = atoi(word[2]);
  struct runner me = {.first = atoi(word[3]), .last = atoi(word[4]), .go = atoi(word[5]), .done = atoi(word[6])};
  for (int slot = 0; slot < SLOTS; slot++) slots[slot] = atoi(word[7 + slot]);
  if (me.go >= 0) fcntl(me.go, F_SETFD, FD_CLOEXEC);
  if (me.done >= 0) fcntl(me.done, F_SETFD, FD_CLOEXEC);
  load(program_path);
  run(&me);
  if (me.done >= 0) last_word(&me);
  return 0;
}

int main(int count, char **word) {
  static char path[PATH_MAX];
  if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) die("/proc/self/exe");
  self_path = path;
  begin();
  if (count == 3 && !strcmp(word[1], "--script")) return close(open(word[2], O_RDONLY)) < 0;
  if (count == 9 + SLOTS && !strcmp(word[1], "--part")) return run_part(word + 2);
  if (count == 2) return run_list(word[1]);
  fputs("usage: interpreter LIST\n", stderr);
  return 2;
}
