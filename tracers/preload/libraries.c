// Libraries: the loader opens them past every hook. Those that are there at the start, and those that have come since, are
// found in its own list; one that is asked for by its path is reported at once.
#include <dlfcn.h>
#include <link.h>

#include "files.h"
#include "jump.h"
#include "next.h"
#include "shim.h"

WEAK int dl_iterate_phdr(int (*each)(struct dl_phdr_info *, size_t, void *), void *context);

static bool may_have_come;
// How many were ever added and how many removed when we last looked; and how many there were.
static u64 added, removed, known;

void libraries_may_have_come(void) { may_have_come = true; }

struct look {
  u64 index;
  bool all;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *context) {
  struct look *look = context;
  (void)size;
  if (look->index == 0) {
    if (info->dlpi_adds == added && info->dlpi_subs == removed) return 1;
    // What comes is put at the end, as long as nothing goes.
    look->all = info->dlpi_subs != removed;
    added = info->dlpi_adds;
    removed = info->dlpi_subs;
  }
  bool is_new = look->all || look->index >= known;
  look->index++;
  const char *name = info->dlpi_name;
  if (is_new && name && name[0] == '/' && !same_text(name, setup.shim)) loaded(name);
  else if (is_new && name && name[0] == '.') loaded(name);
  return 0;
}

void libraries_look(void) {
  may_have_come = false;
  if (!dl_iterate_phdr) return;
  struct look look = {0, false};
  dl_iterate_phdr(look_at, &look);
  if (look.index) known = look.index;
}

bool libraries_are_due(void);
bool libraries_are_due(void) { return may_have_come; }

// dlopen(3) looks at its return address for whose search path counts, so it must be jumped to, as if the caller had
// called it. Before that, one of these is called, and answers where to jump.
__attribute__((used)) static void *before_dlopen(const char *name) {
  if (watching()) {
    bool is_path = false;
    for (const char *at = name; at && *at; at++) is_path |= *at == '/';
    if (is_path) loaded(name);
    may_have_come = true;
  }
  return (void *)NEXT(dlopen);
}

__attribute__((used)) static void *before_dlmopen(Lmid_t space, const char *name) {
  (void)space;
  before_dlopen(name);
  return (void *)NEXT(dlmopen);
}

JUMP_HOOK(dlopen, before_dlopen);
JUMP_HOOK(dlmopen, before_dlmopen);
