//: about = "one thread closes every descriptor as soon as another one has opened it"
//: reads = ["in{00..49}"]
//: setup = "for i in $(seq -w 0 49); do echo $i > in$i; done"
#include "lib.h"

static volatile int stop;

static void *closer(void *unused) {
  while (!stop)
    for (int fd = 3; fd < 8; fd++) close(fd);
  return unused;
}

int main(void) {
  pthread_t thread;
  DO(-pthread_create(&thread, NULL, closer, NULL));
  char name[16];
  for (int i = 0; i < 50; i++) {
    snprintf(name, sizeof name, "in%02d", i);
    DO(open(name, O_RDONLY));
  }
  stop = 1;
  DO(-pthread_join(thread, NULL));
}
