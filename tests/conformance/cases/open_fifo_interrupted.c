//: about = "an open that waits for a FIFO is broken off by a signal, then started again by the kernel"
//: setup = "mkfifo gate"
//: reads = ["in.txt"]
//: writes = ["out.txt"]
//: [before]
//: "in.txt" = "content"
#include "lib.h"

static int ticks[2];

static void on_tick(int signal) {
  (void)signal;
  say(ticks[1], "t");
}

// Again and again: one alarm may come before the open that it is to break off.
static void alarms(int flags) {
  DO(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_tick, .sa_flags = flags}, NULL));
  DO(setitimer(ITIMER_REAL, &(struct itimerval){{0, 10000}, {0, 10000}}, NULL));
}

int main(void) {
  DO(pipe(ticks));
  alarms(0);
  REFUSED(open("gate", O_RDONLY), EINTR);
  DO(pipe(ticks));
  alarms(SA_RESTART);
  pid_t child = DO(fork());
  if (child == 0) {
    char byte;
    // As good as sure that one of so many has met the open of the parent.
    for (int i = 0; i < 5; i++) DO(read(ticks[0], &byte, 1));
    say(DO(open("gate", O_WRONLY)), "x");
    get("in.txt");
    _exit(0);
  }
  drain(DO(open("gate", O_RDONLY)));
  put("out.txt", "opened at last");
  reap(child);
}
