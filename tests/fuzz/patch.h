/* patch: changes to a sound value of a fixed size that another process says; made of a fuzzer's
 * bytes, so that mutations get beyond the first field. */
#ifndef SSHWHY_FUZZ_PATCH_H
#define SSHWHY_FUZZ_PATCH_H

#include <stdint.h>
#include <string.h>

#include "sshwhy/cursor.h"

/* Takes patches until the input ends or says so: where (two bytes), how many bytes (one; 0: the
 * end), the bytes. A patch beyond the value begins again at its front. */
static inline void patch(void *value, size_t size, struct cursor *input)
{
	while (input->left > 0 && !input->failed) {
		size_t at = cursor_be16(input) % size, length = cursor_u8(input);
		if (length == 0)
			return;
		if (length > size - at)
			length = size - at;
		struct cursor bytes =
			cursor_part(input, length < input->left ? length : input->left);
		if (bytes.left > 0)
			memcpy((uint8_t *)value + at, bytes.at, bytes.left);
	}
}

#endif
