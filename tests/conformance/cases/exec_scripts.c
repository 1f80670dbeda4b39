//: about = "scripts of the project: with `#!`, found by PATH, without `#!`, and one that may not be executed"
//: setup = "chmod +x tools/* by_path/named; chmod -x tools/refused"
//: reads = ["tools/direct", "by_path/named", "tools/without"]
//: writes = ["direct.txt", "named.txt", "without.txt"]
//: [before]
//: "tools/direct" = "#!/bin/sh\necho 1 > direct.txt\n"
//: "tools/without" = "echo 3 > without.txt\n"
//: "tools/refused" = "#!/bin/sh\necho 4 > refused.txt\n"
//: "by_path/named" = "#!/bin/sh\necho 2 > named.txt\n"
#include "lib.h"

static void run(const char *program) {
  pid_t child = DO(fork());
  if (child == 0) DO(execlp(program, program, NULL));
  reap(child);
}

int main(void) {
  char path[PATH_MAX * 2], here[PATH_MAX];
  run("./tools/direct");
  run("./tools/without");
  DO(getcwd(here, sizeof here) ? 0 : -1);
  snprintf(path, sizeof path, "/nowhere:%s/by_path:/usr/bin:/bin", here);
  DO(setenv("PATH", path, 1));
  run("named");
  REFUSED(execl("./tools/refused", "refused", NULL), EACCES);
}
