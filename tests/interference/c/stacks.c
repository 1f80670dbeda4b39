/* Opens files where little stack is left: on the smallest signal stack, and in a thread with the smallest stack. */
#include "kit.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *path;
static int opened;

static void handler(int signal)
{
	(void)signal;
	opened = open(path, O_RDONLY);
}

static void *thread(void *unused)
{
	(void)unused;
	return (void *)(long)open(path, O_RDONLY);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	path = argv[1];
	/* With a page below that must not be touched; 4 KiB is what a handler may count on with wide vector registers. */
	size_t page = 4096, size = (size_t)sysconf(_SC_MINSIGSTKSZ) + page / 2;
	size = (size + page - 1) / page * page;
	char *memory = DO(mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	DO(mprotect(memory, page, PROT_NONE));
	stack_t stack = { .ss_sp = memory + page, .ss_size = size };
	DO(sigaltstack(&stack, NULL));
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	DO(sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	printf("in a handler: fd %d\n", opened);

	pthread_attr_t attributes;
	pthread_t id;
	void *result;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN);
	if (pthread_create(&id, &attributes, thread, NULL) || pthread_join(id, &result))
		return 1;
	printf("in a thread: fd %ld\n", (long)result);
	return 0;
}
