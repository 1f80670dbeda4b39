/* Signals meet system calls as they do without a tracer. */
#include "kit.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t count;

static void handler(int signal)
{
	(void)signal;
	count++;
}

static void alarm_soon(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	DO(sigaction(SIGALRM, &action, NULL));
	struct itimerval soon = { .it_value = { 0, 50000 } };
	DO(setitimer(ITIMER_REAL, &soon, NULL));
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
	char byte;
	int ends[2];
	DO(pipe(ends));
	alarm_soon(0);
	printf("read: %zd %s\n", read(ends[0], &byte, 1), strerror(errno));
	DO(mkfifo("fifo", 0600));
	alarm_soon(0);
	printf("open: %d %s\n", open("fifo", O_RDONLY), strerror(errno));
	/* Restarted after the first alarm; a child opens the other end then. */
	fflush(stdout);
	alarm_soon(SA_RESTART);
	pid_t child = DO(fork());
	if (child == 0) {
		usleep(120000);
		close(open("fifo", O_WRONLY));
		_exit(0);
	}
	int fd = open("fifo", O_RDONLY);
	printf("restarted open: %d after %d alarms\n", fd >= 0, (int)count);
	DO(waitpid(child, NULL, 0));
	fflush(stdout);
	stops();
	return 0;
}
