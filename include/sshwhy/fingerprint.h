/* fingerprint: a host key as people compare it; made from what a server shows or known_hosts holds,
 * used by the handshake and by captures.
 *
 * A blob is the public key as the protocol carries it (RFC 4253 6.6: K_S of the
 * key exchange reply, and the base64 field of known_hosts). Blobs come from the
 * network: any bytes are fine.
 */
#ifndef SSHWHY_FINGERPRINT_H
#define SSHWHY_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "SHA256:" and base64 without padding, as OpenSSH prints it; written to `out`,
 * which is returned ("" when OpenSSL has no SHA-256 to give). */
const char *fingerprint_sha256(const uint8_t *blob, size_t length, char out[64]);

/* The format identifier that begins the blob ("ssh-ed25519"). False, and "", when
 * it does not begin with one: 1 to 63 bytes of printable US-ASCII (RFC 4250 4.6.1). */
bool fingerprint_key_type(const uint8_t *blob, size_t length, char name[64]);

#endif
