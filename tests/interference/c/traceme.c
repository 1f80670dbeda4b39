/* What programs do to find out whether a debugger looks on, and what a debugger does. */
#include "kit.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t child = DO(fork());
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(7);
		raise(SIGSTOP);
		_exit(0);
	}
	DO(waitpid(child, &status, 0));
	printf("stopped %d\n", WIFSTOPPED(status));
	if (WIFSTOPPED(status)) {
		DO(ptrace(PTRACE_CONT, child, NULL, NULL));
		DO(waitpid(child, &status, 0));
	}
	printf("status %d\n", status);
	return 0;
}
