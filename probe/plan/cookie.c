#include "plan/cookie.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

uint32_t cookie(const uint8_t key[16], const struct address *target, uint16_t local_port,
		uint16_t remote_port)
{
	uint8_t message[21] = { target->family };
	memcpy(message + 1, target->bytes, 16);
	message[17] = (uint8_t)(local_port >> 8);
	message[18] = (uint8_t)local_port;
	message[19] = (uint8_t)(remote_port >> 8);
	message[20] = (uint8_t)remote_port;
	uint8_t digest[EVP_MAX_MD_SIZE] = { 0 };
	unsigned length = 0;
	(void)HMAC(EVP_sha256(), key, 16, message, sizeof(message), digest, &length);
	return (uint32_t)digest[0] << 16 | (uint32_t)digest[1] << 8 | digest[2];
}
