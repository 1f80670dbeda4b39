/* openloop COUNT FOLDER: opens, reads and closes COUNT different files of a folder; without FOLDER one file, COUNT times. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char name[4096], text[64];
	if (argc < 2)
		return 2;
	for (int number = 0; number < atoi(argv[1]); number++) {
		snprintf(name, sizeof name, "%s/%05d", argc > 2 ? argv[2] : "many", argc > 2 ? number : 0);
		int fd = open(name, O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof text) < 0 || close(fd) < 0)
			return 1;
	}
	return 0;
}
