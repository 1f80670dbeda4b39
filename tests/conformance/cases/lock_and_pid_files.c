//: about = "locks and pid files: held and left, held and removed, old ones only locked"
//: reads = ["old.pid"]
//: writes = ["new.lock", "kept.pid", "work.txt"]
//: [before]
//: "old.lock" = ""
//: "old.pid" = "99999"
#include "lib.h"
#include <sys/file.h>

static int locked(const char *name) {
  int fd = DO(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  DO(flock(fd, LOCK_EX | LOCK_NB));
  struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  DO(fcntl(fd, F_SETLK, &range));
  return fd;
}

int main(void) {
  locked("old.lock");
  locked("new.lock");
  drain(locked("old.pid"));
  put("gone.pid", "1");
  put("kept.pid", "2");
  put("work.txt", "3");
  DO(unlink("gone.pid"));
}
