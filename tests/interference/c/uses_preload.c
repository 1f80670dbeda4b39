/* Is run with a shim of the user's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	for (int at = 1; at < argc; at++)
		puts(open(argv[at], O_RDONLY) < 0 ? "not there" : "there");
	puts(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "no LD_PRELOAD");
	return 0;
}
