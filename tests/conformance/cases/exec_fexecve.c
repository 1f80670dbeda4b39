//: about = "a program of the project is executed by its descriptor, another one from memory"
//: setup = "cp \"$PROGRAM\" tool"
//: reads = ["tool"]
//: writes = ["by_descriptor.txt", "by_memory.txt"]
#include "lib.h"
#include <sys/sendfile.h>

static void run(int fd, char *word) {
  char *words[] = {"tool", word, NULL}, *none[] = {NULL};
  pid_t child = DO(fork());
  if (child == 0) DO(fexecve(fd, words, none));
  reap(child);
}

int main(int count, char **words) {
  if (count > 1) {
    put(words[1], "made");
    return 0;
  }
  int tool = DO(open("tool", O_PATH | O_CLOEXEC)), memory = DO(memfd_create("copy", 0));
  run(tool, "by_descriptor.txt");
  int self = DO(open("/proc/self/exe", O_RDONLY));
  while (DO(sendfile(memory, self, NULL, 1 << 20)) > 0) {
  }
  run(memory, "by_memory.txt");
}
