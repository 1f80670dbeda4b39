/* A statically linked program that reads, writes and tells what it was started with. */
#include "kit.h"
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char text[64];
	if (argc < 2)
		return 2;
	int fd = DO(open(argv[1], O_RDONLY));
	ssize_t count = DO(read(fd, text, sizeof text));
	printf("fd %d, %zd bytes, argc %d, PRELOAD %s\n", fd, count, argc, getenv("LD_PRELOAD") ? "set" : "unset");
	for (char **variable = environ; *variable; variable++)
		puts(*variable);
	int out = DO(open("static.out", O_CREAT | O_WRONLY | O_TRUNC, 0640));
	DO(write(out, text, (size_t)count));
	return 4;
}
