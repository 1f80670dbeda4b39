//: about = "eight threads open, write and rename at the same time"
//: reads = ["in.txt"]
//: writes = ["t{0..7}_{00..39}"]
//: [before]
//: "in.txt" = "shared"
#include "lib.h"

static void *work(void *number) {
  char name[32], part[40];
  for (int i = 0; i < 40; i++) {
    get("in.txt");
    snprintf(name, sizeof name, "t%d_%02d", (int)(intptr_t)number, i);
    snprintf(part, sizeof part, "%s.part", name);
    put(part, name);
    DO(rename(part, name));
  }
  return NULL;
}

int main(void) {
  pthread_t threads[8];
  for (intptr_t i = 0; i < 8; i++) DO(-pthread_create(&threads[i], NULL, work, (void *)i));
  for (int i = 0; i < 8; i++) DO(-pthread_join(threads[i], NULL));
}
