//: about = "threads that share neither cwd nor descriptors with their process"
//: reads = ["sub/in.txt"]
//: writes = ["sub/by_thread.txt", "by_main.txt"]
//: [before]
//: "sub/in.txt" = "1"
//: "in.txt" = "a decoy"
#include "lib.h"

static void *work(void *unused) {
  DO(unshare(CLONE_FS | CLONE_FILES));
  DO(chdir("sub"));
  int folder = DO(open(".", O_PATH));
  drain(DO(openat(folder, "in.txt", O_RDONLY)));
  put("by_thread.txt", "2");
  return unused;
}

int main(void) {
  pthread_t thread;
  DO(-pthread_create(&thread, NULL, work, NULL));
  DO(-pthread_join(thread, NULL));
  put("by_main.txt", "3");
}
