/* What must hold whatever the input; said, then the process ends, so that a fuzzer notices. */
#ifndef SSHWHY_FUZZ_EXPECT_H
#define SSHWHY_FUZZ_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#define expect(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
