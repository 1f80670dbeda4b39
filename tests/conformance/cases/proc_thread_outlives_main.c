//: about = "the first thread ends by pthread_exit; another one does the work and ends the process"
//: exit = 5
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "1"
#include "lib.h"

static void *work(void *unused) {
  (void)unused;
  usleep(20000);
  get("in.txt");
  put("out.txt", "2");
  _exit(5);
}

int main(void) {
  pthread_t thread;
  DO(-pthread_create(&thread, NULL, work, NULL));
  pthread_exit(NULL);
}
