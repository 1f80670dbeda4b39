/* Reads in.txt and conf.txt; writes out.txt, log.txt and, by a rename, final.txt; leaves nothing of scratch.txt. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(int fd, const char *text)
{
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0)
		exit(1);
}

int main(void)
{
	char text[64];
	int fd = open("in.txt", O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text) < 0)
		return 1;
	FILE *conf = fopen("conf.txt", "r");
	FILE *log = fopen("log.txt", "a");
	if (!conf || !fgets(text, sizeof text, conf) || !log || fputs(text, log) < 0 || fclose(log) || fclose(conf))
		return 1;
	put(openat(AT_FDCWD, "out.txt", O_CREAT | O_WRONLY | O_TRUNC, 0644), "out");
	put(creat("partial.txt", 0644), "final");
	put(creat("scratch.txt", 0644), "scratch");
	if (rename("partial.txt", "final.txt") || unlink("scratch.txt") || open("nothing.txt", O_RDONLY) >= 0)
		return 1;
	printf("LD_PRELOAD %s\n", getenv("LD_PRELOAD") ? "set" : "unset");
	return 0;
}
