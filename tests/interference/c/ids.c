/* Prints its user ids and whether the loader took it for a setuid program. */
#include "kit.h"
#include <sys/auxv.h>
#include <unistd.h>

int main(void)
{
	printf("uid %d euid %d secure %lu\n", getuid(), geteuid(), getauxval(AT_SECURE));
	return 0;
}
