//: about = "orphans that come to a subreaper, which collects them"
//: writes = ["orphan0", "orphan1", "orphan2"]
#include "lib.h"
#include <sys/prctl.h>

int main(void) {
  DO(prctl(PR_SET_CHILD_SUBREAPER, 1));
  pid_t middle = DO(fork());
  if (middle == 0) {
    for (int i = 0; i < 3; i++)
      if (DO(fork()) == 0) {
        char name[] = "orphan0";
        name[6] += i;
        usleep(10000 * (i + 1));
        put(name, "grown up");
        _exit(0);
      }
    _exit(0);
  }
  int count = 0;
  while (wait(NULL) > 0) count++;
  return count == 4 ? 0 : 1;
}
