// The functions that change who a process is: afterwards it may execute less, and reach less.
#include "ids.h"

#include <elf.h>
#include <sys/types.h>

#include "next.h"

WEAK unsigned long getauxval(unsigned long type);

static bool changed, other_root;

void ids_now(struct ids *ids) {
  if (getauxval && !changed) {
    *ids = (struct ids){(u32)getauxval(AT_UID), (u32)getauxval(AT_EUID), (u32)getauxval(AT_GID), (u32)getauxval(AT_EGID)};
    return;
  }
  *ids = (struct ids){(u32)raw(SYS_getuid), (u32)raw(SYS_geteuid), (u32)raw(SYS_getgid), (u32)raw(SYS_getegid)};
}

bool ids_or_root_changed(void) { return changed || other_root; }
void ids_changed(void) { changed = true; }
void root_changed(void) { other_root = true; }

#define HOOK_IDS(name, parameters, arguments)                        \
  HOOK int name parameters;                                          \
  HOOK int name parameters {                                         \
    changed = true;                                                  \
    return NEXT(name) arguments;                                     \
  }
HOOK_IDS(setuid, (uid_t id), (id))
HOOK_IDS(seteuid, (uid_t id), (id))
HOOK_IDS(setreuid, (uid_t real, uid_t effective), (real, effective))
HOOK_IDS(setresuid, (uid_t real, uid_t effective, uid_t saved), (real, effective, saved))
HOOK_IDS(setfsuid, (uid_t id), (id))
HOOK_IDS(setgid, (gid_t id), (id))
HOOK_IDS(setegid, (gid_t id), (id))
HOOK_IDS(setregid, (gid_t real, gid_t effective), (real, effective))
HOOK_IDS(setresgid, (gid_t real, gid_t effective, gid_t saved), (real, effective, saved))
HOOK_IDS(setfsgid, (gid_t id), (id))
