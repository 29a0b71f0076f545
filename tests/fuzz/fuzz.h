/* What libFuzzer calls, and main.c for each file of a corpus. */
#ifndef SSHWHY_FUZZ_FUZZ_H
#define SSHWHY_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
