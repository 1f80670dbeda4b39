#include "path.h"

#include <errno.h>

enum { LINKS_MAX = 40 };

// Path of the root directory as the run knows it; empty: the real root.
static struct path root;
static bool private_descriptors;

void path_descriptors_are_private(void) { private_descriptors = true; }
bool path_root_is_changed(void) { return root.length != 0; }

static void put_fd_link(char *to, int fd) {
  to = put_text(to, private_descriptors ? "/proc/thread-self/fd/" : "/proc/self/fd/");
  put_number(to, (u64)fd);
}

// Where a magic link leads; -1: nowhere with a path.
static long read_path(const char *link, char *into) {
  long length = raw_readlink(link, into, PATH_MAX - 1);
  if (length <= 0 || into[0] != '/') return -1;
  into[length] = 0;
  return length;
}

// Turns a path below our root into one of the record.
static bool globalize(struct path *path) {
  if (!root.length) return true;
  if (root.length + path->length >= sizeof path->text) return false;
  bool is_root = path->length == 1;
  for (u32 at = path->length + 1; at--;) path->text[root.length + at] = path->text[at];
  copy(path->text, root.text, root.length);
  path->length = is_root ? root.length : root.length + path->length;
  path->text[path->length] = 0;
  return true;
}

static bool base_of(int dirfd, struct path *path) {
  long length;
  if (dirfd == AT_FDCWD) {
    length = raw(SYS_getcwd, path->text, sizeof path->text) - 1;
    if (length < 1 || path->text[0] != '/') return false;
  } else {
    char link[48];
    put_fd_link(link, dirfd);
    length = read_path(link, path->text);
    if (length < 0) return false;
  }
  path->length = length == 1 ? 0 : (u32)length;
  return true;
}

static void drop_word(struct path *path) {
  while (path->length && path->text[--path->length] != '/') {
  }
}

static bool add_word(struct path *path, const char *word, size_t length) {
  if (path->length + 1 + length >= sizeof path->text) return false;
  path->text[path->length++] = '/';
  copy(path->text + path->length, word, length);
  path->length += (u32)length;
  path->text[path->length] = 0;
  return true;
}

// What is left to resolve, at the end of a buffer, so that the target of a link fits in before it.
struct rest {
  char text[2 * PATH_MAX];
  size_t at;
};

static bool put_before(struct rest *rest, const char *text, size_t length) {
  if (length >= rest->at) return false;
  rest->at -= length;
  copy(rest->text + rest->at, text, length);
  return true;
}

// Walks over the words as the kernel does.
static bool resolve(struct rest *rest, enum follow last, struct path *path) {
  char target[PATH_MAX];
  int links = 0;
  for (;;) {
    while (rest->text[rest->at] == '/') rest->at++;
    const char *word = rest->text + rest->at;
    size_t length = 0;
    while (word[length] && word[length] != '/') length++;
    if (length == 0) return true;
    rest->at += length;
    if (length == 1 && word[0] == '.') continue;
    if (length == 2 && word[0] == '.' && word[1] == '.') {
      drop_word(path);
      continue;
    }
    if (!add_word(path, word, length)) return false;
    size_t behind = rest->at;
    while (rest->text[behind] == '/') behind++;
    if (last == LAST_AS_IT_IS && !rest->text[behind]) return true;
    long count = raw_readlink(path->text, target, sizeof target);
    if (count <= 0) continue;
    if (count == sizeof target || ++links > LINKS_MAX || !put_before(rest, target, (size_t)count)) return false;
    if (target[0] == '/') path->length = 0;
    else drop_word(path);
  }
}

bool path_of_name(const struct named *named, enum follow last, struct path *path) {
  struct rest rest;
  size_t length = length_of(named->path);
  if (length >= PATH_MAX) return false;
  rest.at = sizeof rest.text - 1 - length;
  copy(rest.text + rest.at, named->path, length + 1);
  path->length = 0;
  if (named->path[0] != '/' && !base_of(named->dirfd, path)) return false;
  if (!resolve(&rest, last, path)) return false;
  if (!path->length) path->text[path->length++] = '/';
  path->text[path->length] = 0;
  return globalize(path);
}

bool path_of_fd(int fd, const struct stat *stat, struct path *path) {
  char link[48];
  put_fd_link(link, fd);
  long length = read_path(link, path->text);
  if (length < 0) return false;
  path->length = (u32)length;
  if (!root.length) return true;
  // The kernel names what lies outside of our root from the real one.
  struct stat here;
  if (raw_stat(AT_FDCWD, path->text, &here, AT_SYMLINK_NOFOLLOW) < 0 || !same_file(&here, stat)) return true;
  return globalize(path);
}

bool path_is_deleted(const struct path *path, const struct stat *stat) {
  static const char NOTE[] = " (deleted)";
  u32 length = sizeof NOTE - 1;
  if (path->length < length || !same_bytes(path->text + path->length - length, NOTE, length)) return false;
  struct stat there;
  return raw_stat(AT_FDCWD, path->text, &there, AT_SYMLINK_NOFOLLOW) < 0 || !same_file(&there, stat);
}

bool path_is_kernels(const struct path *path) {
  return starts_with(path->text, "/proc/") || starts_with(path->text, "/sys/");
}

bool path_find_root(const char *name, struct path *found) {
  struct named named = {AT_FDCWD, name};
  return path_of_name(&named, FOLLOW_LAST, found);
}

void path_root_entered(const struct path *entered) {
  copy(root.text, entered->text, entered->length + 1);
  root.length = entered->length == 1 ? 0 : entered->length;
}
