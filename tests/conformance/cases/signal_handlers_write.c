//: about = "signal handlers open and write files, on stacks of their own, while a timer ticks"
//: writes = ["ticks.txt", "usr1.txt", "main{00..29}"]
#include "lib.h"

static volatile sig_atomic_t ticks;

static void on_tick(int signal) {
  (void)signal;
  int saved = errno;
  add("ticks.txt", "t");
  ticks = ticks + 1;
  errno = saved;
}

static void on_usr1(int signal) {
  (void)signal;
  put("usr1.txt", "u");
}

int main(void) {
  static char stack[65536];
  DO(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL));
  DO(sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_tick, .sa_flags = SA_RESTART | SA_ONSTACK}, NULL));
  DO(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_usr1, .sa_flags = SA_RESTART}, NULL));
  DO(raise(SIGUSR1));
  for (int i = 0, set = 0; i < 30 || ticks < 3; i++) {
    // Not by an interval: where a handler takes longer than that, nothing else would ever run.
    if (set == ticks && ++set) DO(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 2000}}, NULL));
    char name[16];
    snprintf(name, sizeof name, "main%02d", i % 30);
    put(name, name);
  }
  DO(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL));
}
