/* For the sanitizers: `sanitized leak|overflow|race|fine FILE`. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int shared;
static void *volatile kept;

static void *count(void *unused)
{
	(void)unused;
	for (int round = 0; round < 1000; round++)
		shared++;
	return NULL;
}

static void race(void)
{
	pthread_t other;
	pthread_create(&other, NULL, count, NULL);
	count(NULL);
	pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int fd = open(argv[2], O_RDONLY);
	char *text = calloc(1, 16);
	ssize_t got = read(fd, text, 15);
	printf("%zd %s\n", got, text);
	fflush(stdout);
	if (!strcmp(argv[1], "leak")) {
		kept = malloc(99);
		kept = NULL;
	} else if (!strcmp(argv[1], "overflow")) {
		volatile int beyond = 16;
		text[beyond] = 1;
	} else if (!strcmp(argv[1], "race")) {
		race();
	}
	free(text);
	return 0;
}
