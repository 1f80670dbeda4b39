//: about = "a child stops itself, its parent sees that, lets it go on, and sees that too"
//: writes = ["before.txt", "after.txt"]
#include "lib.h"

int main(void) {
  int status, go[2];
  DO(pipe(go));
  pid_t child = DO(fork());
  if (child == 0) {
    // SIGTSTP stops nobody in a group that no living parent looks after, as under a detached test run.
    DO(setpgid(0, 0));
    put("before.txt", "1");
    raise(SIGSTOP);
    put("after.txt", "2");
    // Not before the parent has seen it go on: a second stop hides that.
    char word;
    DO(read(go[0], &word, 1));
    raise(SIGTSTP);
    _exit(0);
  }
  DO(waitpid(child, &status, WUNTRACED));
  DO(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP ? 0 : -1);
  DO(kill(child, SIGCONT));
  DO(waitpid(child, &status, WCONTINUED));
  DO(WIFCONTINUED(status) ? 0 : -1);
  DO(write(go[1], "x", 1));
  DO(waitpid(child, &status, WUNTRACED));
  DO(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP ? 0 : -1);
  DO(kill(child, SIGCONT));
  reap(child);
}
