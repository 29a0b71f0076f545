#include <openssl/evp.h>
#include <string.h>

#include "sshwhy/cursor.h"
#include "sshwhy/fingerprint.h"

const char *fingerprint_sha256(const uint8_t *blob, size_t length, char out[64])
{
	static const char prefix[] = "SHA256:";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_length = 0;

	out[0] = '\0';
	if (!EVP_Digest(blob, length, digest, &digest_length, EVP_sha256(), NULL))
		return out;
	memcpy(out, prefix, sizeof(prefix));
	char *base64 = out + strlen(prefix);
	EVP_EncodeBlock((unsigned char *)base64, digest, (int)digest_length);
	base64[strcspn(base64, "=")] = '\0';
	return out;
}

bool fingerprint_key_type(const uint8_t *blob, size_t length, char name[64])
{
	struct cursor rest = cursor_over(blob, length);
	struct cursor text = cursor_part(&rest, cursor_be32(&rest));
	size_t written = 0;

	name[0] = '\0';
	if (text.failed || text.left == 0 || text.left > 63)
		return false;
	while (text.left > 0) {
		uint8_t byte = cursor_u8(&text);
		if (byte <= ' ' || byte >= 0x7f) {
			name[0] = '\0';
			return false;
		}
		name[written++] = (char)byte;
	}
	name[written] = '\0';
	return true;
}
