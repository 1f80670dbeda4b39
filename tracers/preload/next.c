#include "next.h"

#include <dlfcn.h>
#include <errno.h>

WEAK void *dlsym(void *handle, const char *name);
WEAK int *__errno_location(void);

// Stands in for what is not there, so that a call of it fails instead of crashing.
static long missing(void) {
  if (__errno_location) *__errno_location() = ENOSYS;
  return -1;
}

static bool anywhere;
void next_is_anywhere(void) { anywhere = true; }

void *next_function(const char *name) {
  int *errno_place = __errno_location ? __errno_location() : NULL;
  int kept = errno_place ? *errno_place : 0;
  void *found = dlsym ? dlsym(anywhere ? RTLD_DEFAULT : RTLD_NEXT, name) : NULL;
  if (errno_place) *errno_place = kept;
  return found ? found : (void *)missing;
}
