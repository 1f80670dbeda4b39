/* Numbers of descriptors, errno and the environment are what they are without a tracer. */
#include "kit.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	errno = 77;
	int first = open(argv[1], O_RDONLY);
	printf("fd %d errno %d\n", first, errno);
	FILE *file = fopen(argv[1], "r");
	printf("stdio fd %d errno %d\n", file ? fileno(file) : -1, errno);
	syscall(SYS_close_range, 3, ~0U, 0);
	printf("after close_range: fd %d\n", open(argv[1], O_RDONLY));
	struct rlimit limit = { 4, 4 };
	DO(setrlimit(RLIMIT_NOFILE, &limit));
	errno = 0;
	int refused = open(argv[1], O_RDONLY);
	printf("too many: %d %s\n", refused, strerror(errno));
	struct rlimit none = { 0, 0 };
	DO(setrlimit(RLIMIT_FSIZE, &none));
	close(3);
	for (int round = 0; round < 2000; round++) {
		char name[32];
		snprintf(name, sizeof name, "empty%d", round);
		int fd = open(name, O_CREAT | O_WRONLY, 0600);
		if (fd != 3) {
			printf("round %d: fd %d %s\n", round, fd, strerror(errno));
			return 1;
		}
		close(fd);
		unlink(name);
	}
	printf("LD_PRELOAD %s\n", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "unset");
	return 0;
}
