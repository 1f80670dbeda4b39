//: about = "memfd, shm_open and named semaphores are no files of the project"
//: writes = ["out.txt"]
#include "lib.h"
#include <semaphore.h>

int main(void) {
  char name[64];
  snprintf(name, sizeof name, "/roar-case-%d", getpid());
  say(DO(memfd_create("x.txt", 0)), "in memory");
  say(DO(shm_open(name, O_RDWR | O_CREAT, 0600)), "shared");
  DO(shm_unlink(name));
  DO(sem_open(name, O_CREAT, 0600, 1) == SEM_FAILED ? -1 : 0);
  DO(sem_unlink(name));
  put("out.txt", "1");
}
