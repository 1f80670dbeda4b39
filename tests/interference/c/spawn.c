/* Every way to start a program, with the environment given to it: `spawn PROGRAM`. */
#include "kit.h"
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *words[] = { "printenv", NULL };
static char *given[] = { "GIVEN=1", NULL };
static const char *program;

static void wait_for(pid_t child, const char *how)
{
	int status;
	DO(waitpid(child, &status, 0));
	printf("%s: %d\n", how, status);
	fflush(stdout);
}

static int run(void *unused)
{
	(void)unused;
	execve(program, words, given);
	_exit(9);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	program = argv[1];
	pid_t child = vfork();
	if (child == 0)
		run(NULL);
	wait_for(child, "vfork");

	static char stack[65536];
	wait_for(DO(clone(run, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL)), "clone");

	if (posix_spawn(&child, program, NULL, NULL, words, given))
		return 1;
	wait_for(child, "posix_spawn");

	clearenv();
	setenv("OWN", "2", 1);
	if (posix_spawnp(&child, program, NULL, NULL, words, environ))
		return 1;
	wait_for(child, "posix_spawnp");
	printf("system: %d\n", system("env | grep -v '^\\(PWD\\|OLDPWD\\|SHLVL\\|_\\)='"));
	FILE *pipe = popen("echo $OWN", "r");
	char line[16] = "";
	if (!pipe || !fgets(line, sizeof line, pipe))
		return 1;
	printf("popen: %s%d\n", line, pclose(pipe));
	fflush(stdout);
	if ((child = DO(fork())) == 0) {
		int fd = open(program, O_PATH | O_CLOEXEC);
		fexecve(fd, words, given);
		_exit(9);
	}
	wait_for(child, "fexecve");
	if ((child = DO(fork())) == 0) {
		syscall(SYS_execve, program, words, given);
		_exit(9);
	}
	wait_for(child, "syscall");
	execve("./nothing-there", words, given);
	printf("not there: %s\n", strerror(errno));
	execve(".", words, given);
	printf("a directory: %s\n", strerror(errno));
	return 0;
}
