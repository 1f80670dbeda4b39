#include "path.h"

#include <errno.h>

#include "log.h"

enum { LINKS_MAX = 40, NO_LINK = 2 };

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

// The cwd, as it was when both versions were these. Guarded by a sequence that is odd while somebody writes.
static struct {
  u32 sequence;
  u32 version;
  u64 names_version;
  u32 length;
  char text[512];
} cwd;
static u32 cwd_version;
static bool cwd_is_shared;

void path_cwd_changed(void) { __atomic_fetch_add(&cwd_version, 1, __ATOMIC_ACQ_REL); }
void path_cwd_is_shared(void) { cwd_is_shared = true; }
void path_cwd_is_private(void) { cwd_is_shared = false; }

static bool recall_cwd(struct path *path, u32 version, u64 names_version) {
  u32 sequence = __atomic_load_n(&cwd.sequence, __ATOMIC_ACQUIRE);
  if (sequence == 0 || sequence & 1 || cwd.version != version || cwd.names_version != names_version) return false;
  u32 length = cwd.length;
  if (length >= sizeof cwd.text) return false;
  copy(path->text, cwd.text, length + 1);
  path->length = length;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return __atomic_load_n(&cwd.sequence, __ATOMIC_RELAXED) == sequence;
}

static void remember_cwd(const struct path *path, u32 version, u64 names_version) {
  u32 sequence = __atomic_load_n(&cwd.sequence, __ATOMIC_ACQUIRE);
  if (sequence & 1 || path->length >= sizeof cwd.text) return;
  if (!__atomic_compare_exchange_n(&cwd.sequence, &sequence, sequence + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return;
  copy(cwd.text, path->text, path->length + 1);
  cwd.length = path->length;
  cwd.version = version;
  cwd.names_version = names_version;
  __atomic_store_n(&cwd.sequence, sequence + 2, __ATOMIC_RELEASE);
}

// As getcwd(2), which takes as long as an open.
static bool find_cwd(struct path *path) {
  u32 version = __atomic_load_n(&cwd_version, __ATOMIC_ACQUIRE);
  u64 names_version = shared_names_version();
  bool lasts = !(names_version & 1) && !cwd_is_shared;
  if (lasts && recall_cwd(path, version, names_version)) return true;
  long length = raw(SYS_getcwd, path->text, sizeof path->text) - 1;
  if (length < 1 || path->text[0] != '/') return false;
  path->length = length == 1 ? 0 : (u32)length;
  path->text[path->length] = 0;
  if (lasts) remember_cwd(path, version, names_version);
  return true;
}

static bool base_of(int dirfd, struct path *path) {
  long length;
  if (dirfd == AT_FDCWD) {
    return find_cwd(path);
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
  u64 version = shared_names_version();
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
    // Directories are met again and again.
    u64 hash = hash_text(hash_word(NO_LINK, version), path->text, path->length);
    bool lasts = rest->text[behind] && !(version & 1) && !root.length;
    if (lasts && shared_knows(hash)) continue;
    long count = raw_readlink(path->text, target, sizeof target);
    if (lasts && count == -EINVAL) shared_remember(hash);
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

bool path_of_plain_name(const struct named *named, struct path *path) {
  const char *at = named->path;
  path->length = 0;
  if (*at != '/' && !base_of(named->dirfd, path)) return false;
  while (*at) {
    size_t length = 0;
    while (at[length] && at[length] != '/') length++;
    bool up = length == 2 && at[0] == '.' && at[1] == '.', here = length == 1 && at[0] == '.';
    if (up) drop_word(path);
    else if (length && !here && !add_word(path, at, length)) return false;
    at += length;
    while (*at == '/') at++;
  }
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
