/* A program that restricts itself, as browsers and sandboxes do: `seccomp errno|kill|trace|strict|notify FILE`. */
#include "kit.h"
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ON(call, what) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), ANSWER(what)

static void restrict_to(struct sock_filter *steps, unsigned short count)
{
	struct sock_fprog program = { .len = count, .filter = steps };
	DO(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	DO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

#define RESTRICT(...) \
	do { \
		struct sock_filter steps[] = { NUMBER, __VA_ARGS__ }; \
		restrict_to(steps, sizeof steps / sizeof *steps); \
	} while (0)

/* Without stdio, which would make calls of its own. */
static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(9);
}

static void copy(const char *path)
{
	char text[64];
	int fd = open(path, O_RDONLY);
	if (fd < 0) {
		say(errno == EACCES ? "EACCES\n" : errno == EPERM ? "EPERM\n" : errno == ENOSYS ? "ENOSYS\n" : "other error\n");
		return;
	}
	ssize_t count = read(fd, text, sizeof text - 1);
	text[count < 0 ? 0 : count] = 0;
	say(text);
	close(fd);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const char *how = argv[1];
	if (!strcmp(how, "errno")) {
		RESTRICT(ON(SYS_openat, SECCOMP_RET_ERRNO | EACCES), ON(SYS_open, SECCOMP_RET_ERRNO | EACCES),
			 ANSWER(SECCOMP_RET_ALLOW));
	} else if (!strcmp(how, "kill")) {
		/* What a careful program needs, and nothing else. */
		RESTRICT(ON(SYS_openat, SECCOMP_RET_ALLOW), ON(SYS_read, SECCOMP_RET_ALLOW),
			 ON(SYS_write, SECCOMP_RET_ALLOW), ON(SYS_close, SECCOMP_RET_ALLOW),
			 ON(SYS_exit_group, SECCOMP_RET_ALLOW), ANSWER(SECCOMP_RET_KILL_PROCESS));
	} else if (!strcmp(how, "trace")) {
		/* Nobody traces: the kernel answers ENOSYS. */
		RESTRICT(ON(SYS_openat, SECCOMP_RET_TRACE | 7), ANSWER(SECCOMP_RET_ALLOW));
	} else if (!strcmp(how, "strict")) {
		DO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
		say("strict\n");
		syscall(SYS_exit, 3);
	} else {
		return 2;
	}
	copy(argv[2]);
	say("done\n");
	_exit(0);
}
