//: about = "a process group is ended by a signal after each of its members has made a file"
//: writes = ["member0", "member1", "member2"]
#include "lib.h"

int main(void) {
  int ready[2], status;
  DO(pipe(ready));
  pid_t group = 0;
  for (int i = 0; i < 3; i++) {
    pid_t child = DO(fork());
    if (child == 0) {
      char name[] = "member0";
      name[6] += i;
      put(name, "alive");
      say(ready[1], "x");
      for (;;) pause();
    }
    if (i == 0) group = child;
    DO(setpgid(child, group));
  }
  char bytes[3];
  for (int count = 0; count < 3;) count += DO(read(ready[0], bytes, sizeof bytes));
  DO(kill(-group, SIGTERM));
  for (int i = 0; i < 3; i++) {
    DO(wait(&status));
    DO(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : -1);
  }
}
