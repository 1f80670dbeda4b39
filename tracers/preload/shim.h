// The shim in a process: what it was told by its environment.
#pragma once

#include <stdarg.h>

#include "raw.h"

extern WEAK char **environ;

struct setup {
  // Paths: the shim itself, the command `roar`, the run directory.
  const char *shim, *roar, *rundir;
};
extern struct setup setup;

// Libraries that came after the start are reported at the next occasion.
void libraries_look(void);
void libraries_may_have_come(void);

// What the environment of this process says, and takes it out: LD_PRELOAD is what the user made it, ROAR_* are gone.
#define VARIABLE "ROAR_PRELOAD="
#define PADDING "ROAR_PAD="
enum { KEEPS_LD_PRELOAD = 1 };
