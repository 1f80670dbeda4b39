//: about = "a thread that is not the first executes a program: the whole process becomes it"
//: reads = ["before.txt", "after.txt"]
//: writes = ["out.txt"]
//: [before]
//: "before.txt" = "1"
//: "after.txt" = "2"
#include "lib.h"

static void *work(void *program) {
  get("before.txt");
  char *words[] = {program, "second", NULL};
  DO(execv("/proc/self/exe", words));
  return NULL;
}

int main(int count, char **words) {
  if (count > 1) {
    get("after.txt");
    put("out.txt", "3");
    return 0;
  }
  pthread_t thread;
  DO(-pthread_create(&thread, NULL, work, words[0]));
  for (;;) pause();
}
