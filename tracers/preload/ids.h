// Who this process is to the kernel. Asked for only after it has changed.
#pragma once

#include "raw.h"

struct ids {
  u32 uid, euid, gid, egid;
};

void ids_now(struct ids *ids);

// Whether files that could be reached at the start may be out of reach: another user, another root, other mounts.
bool ids_or_root_changed(void);
void root_changed(void);
void ids_changed(void);
