//: about = "an open that waits for a FIFO is broken off by a signal, then started again by the kernel"
//: setup = "mkfifo gate"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content"
#include "lib.h"

static void nothing(int signal) { (void)signal; }

static void alarm_in(long microseconds, int flags) {
  struct sigaction action = {.sa_handler = nothing, .sa_flags = flags};
  struct itimerval once = {.it_value = {.tv_usec = microseconds}};
  DO(sigaction(SIGALRM, &action, NULL));
  DO(setitimer(ITIMER_REAL, &once, NULL));
}

int main(void) {
  alarm_in(10000, 0);
  REFUSED(open("gate", O_RDONLY), EINTR);
  pid_t child = DO(fork());
  if (child == 0) {
    usleep(60000);
    say(DO(open("gate", O_WRONLY)), "x");
    get("in.txt");
    _exit(0);
  }
  alarm_in(20000, SA_RESTART);
  drain(DO(open("gate", O_RDONLY)));
  put("out.txt", "opened at last");
  reap(child);
}
