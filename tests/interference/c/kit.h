/* What the small programs share: a check that says where it failed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DO(call) \
	({ \
		__typeof__(call) result = (call); \
		if (result == (__typeof__(call))-1) { \
			printf("%s: %s\n", #call, strerror(errno)); \
			exit(1); \
		} \
		result; \
	})
