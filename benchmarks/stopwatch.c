/* stopwatch FILE COMMAND...: runs a command and adds a line to FILE: its seconds on the wall and of CPU, children included.
 *
 * Stands inside of what is measured, so that the start of a recorder and what it does at the end are outside. In C, because
 * it is watched as well. Ends as the command does. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	extern char **environ;
	struct timespec start, end;
	struct rusage usage;
	pid_t child;
	int status;
	if (argc < 3)
		return 125;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (posix_spawnp(&child, argv[2], NULL, NULL, argv + 2, environ) || wait4(child, &status, 0, &usage) != child)
		return 125;
	clock_gettime(CLOCK_MONOTONIC, &end);
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
	double wall = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	if (fd < 0 || dprintf(fd, "%.6f %.6f\n", wall, seconds(usage.ru_utime) + seconds(usage.ru_stime)) < 0)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
