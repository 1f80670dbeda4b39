/* Signals meet system calls as they do without a tracer. */
#include "kit.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int ticks[2];

static void on_tick(int signal)
{
	(void)signal;
	if (write(ticks[1], "t", 1) != 1)
		_exit(9);
}

/* Again and again: one alarm may come before the call that it is to break off. */
static void alarms(long interval_us, int flags)
{
	struct sigaction action = { .sa_handler = on_tick, .sa_flags = flags };
	DO(sigaction(SIGALRM, &action, NULL));
	struct itimerval timer = { { 0, interval_us }, { 0, interval_us } };
	DO(setitimer(ITIMER_REAL, &timer, NULL));
}

static void say(const char *call, long result)
{
	int error = errno;
	alarms(0, SA_RESTART);
	printf("%s: %ld %s\n", call, result, strerror(error));
	fflush(stdout);
}

static void breaks_off(void)
{
	char byte;
	int ends[2];
	DO(pipe(ends));
	DO(pipe(ticks));
	alarms(20000, 0);
	say("read", read(ends[0], &byte, 1));
	DO(mkfifo("fifo", 0600));
	alarms(20000, 0);
	say("open", open("fifo", O_RDONLY));
}

/* The kernel starts an open again after an alarm; a child opens the other end after some. */
static void starts_again(void)
{
	char byte;
	DO(pipe(ticks));
	alarms(20000, SA_RESTART);
	pid_t child = DO(fork());
	if (child == 0) {
		for (int tick = 0; tick < 5; tick++)
			DO(read(ticks[0], &byte, 1));
		close(open("fifo", O_WRONLY));
		_exit(0);
	}
	int fd = open("fifo", O_RDONLY);
	alarms(0, SA_RESTART);
	printf("restarted open: %d\n", fd >= 0);
	fflush(stdout);
	DO(waitpid(child, NULL, 0));
}

static void stops(void)
{
	int status, ends[2];
	char byte = 0;
	DO(pipe(ends));
	pid_t child = DO(fork());
	if (child == 0) {
		raise(SIGSTOP);
		/* Not before the parent has asked: its wait would tell the exit instead. */
		read(ends[0], &byte, 1);
		_exit(5);
	}
	DO(waitpid(child, &status, WUNTRACED));
	printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
	DO(kill(child, SIGCONT));
	DO(waitpid(child, &status, WCONTINUED));
	printf("continued %d\n", WIFCONTINUED(status));
	DO(write(ends[1], &byte, 1));
	DO(waitpid(child, &status, 0));
	printf("exit %d\n", WEXITSTATUS(status));
}

int main(void)
{
	breaks_off();
	starts_again();
	stops();
	return 0;
}
