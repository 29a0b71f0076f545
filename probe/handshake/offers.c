#include "handshake/offers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* OpenSSH's defaults (its myproposal.h). */
#define KEX_LIST                                                                                   \
	"sntrup761x25519-sha512@openssh.com,mlkem768x25519-sha256,"                                \
	"curve25519-sha256,curve25519-sha256@libssh.org,"                                          \
	"ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"                                \
	"diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"                      \
	"diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"
#define HOST_KEY_LIST                                                                              \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"                 \
	"sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"
#define CIPHER_LIST                                                                                \
	"chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,"                          \
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define MAC_LIST                                                                                   \
	"umac-64-etm@openssh.com,umac-128-etm@openssh.com,"                                        \
	"umac-64@openssh.com,umac-128@openssh.com,"                                                \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,"   \
	"hmac-sha2-256,hmac-sha2-512,hmac-sha1"
#define COMPRESSION_LIST "none,zlib@openssh.com"

static const char *const defaults[OFFERS] = { KEX_LIST, HOST_KEY_LIST, CIPHER_LIST, MAC_LIST,
					      COMPRESSION_LIST };

/* In KEXINIT's order. Those that are `twice` name their algorithms twice: it changes no choice, and
 * makes our KEXINIT as long as OpenSSH's (1.5 KB), so that what drops its large packets drops
 * ours. */
static const struct {
	enum offer offer;
	bool twice;
} lists[EAVESDROPPER_LISTS] = {
	{ OFFER_KEX, false },	      { OFFER_HOST_KEYS, true },    { OFFER_CIPHERS, false },
	{ OFFER_CIPHERS, true },      { OFFER_MACS, true },	    { OFFER_MACS, true },
	{ OFFER_COMPRESSION, false }, { OFFER_COMPRESSION, false },
};

/* -- what ssh offers ------------------------------------------------------------------- */

bool offers_set(struct offers *offers, const struct handshake_options *options)
{
	bool whole = true;
	const char *wanted[OFFERS] = {
		options->kex,
		options->host_keys,
		options->ciphers,
		options->macs,
		options->compression ? "zlib@openssh.com,none" : NULL,
	};
	for (int i = 0; i < OFFERS; i++) {
		bool told = wanted[i] != NULL && wanted[i][0] != '\0';
		offers->of_ssh[i] = strdup(told ? wanted[i] : defaults[i]);
		whole &= offers->of_ssh[i] != NULL;
	}
	if (options->host_keys_first != NULL) {
		offers->host_keys_first = strdup(options->host_keys_first);
		whole &= offers->host_keys_first != NULL;
	}
	return whole;
}

void offers_free(struct offers *offers)
{
	for (int i = 0; i < OFFERS; i++)
		free(offers->of_ssh[i]);
	free(offers->host_keys_first);
}

/* -- what we do -------------------------------------------------------------------------- */

struct choosing {
	bool (*knows)(void *context, int list, const char *name);
	void *context;
	int list;
	struct offered *offered;
};

/* Those of the names that the library knows: it says so one by one. */
static void add_known(const struct choosing *choosing, const char *names)
{
	char name[128];
	struct offered *offered = choosing->offered;
	while (*names != '\0') {
		size_t length = strcspn(names, ","), used = strlen(offered->names);
		bool fits = length > 0 && length < sizeof(name) &&
			    used + length + 1 < EAVESDROPPER_NAMES;
		snprintf(name, sizeof(name), "%.*s", (int)(fits ? length : 0), names);
		if (fits && choosing->knows(choosing->context, choosing->list, name))
			snprintf(offered->names + used, sizeof(offered->names) - used, "%s%s",
				 used > 0 ? "," : "", name);
		names += length + (names[length] == ',');
	}
}

static void say_twice(struct offered *offered)
{
	size_t length = strlen(offered->names);
	offered->names[length] = ',';
	memcpy(offered->names + length + 1, offered->names, length);
	offered->names[2 * length + 1] = '\0';
}

/* Where the library knows nothing of what ssh offers, it offers the defaults instead: the server is
 * heard, and what it says is held against ssh's own offer. */
static void choose_list(struct offers *offers, const struct choosing *choosing)
{
	enum offer offer = lists[choosing->list].offer;
	struct offered *offered = choosing->offered;
	if (offer == OFFER_HOST_KEYS && offers->host_keys_first != NULL)
		add_known(choosing, offers->host_keys_first);
	add_known(choosing, offers->of_ssh[offer]);
	if (offered->names[0] == '\0') {
		offers->stands_in = offered->stands_in = true;
		add_known(choosing, defaults[offer]);
	}
	if (lists[choosing->list].twice)
		say_twice(offered);
}

void offers_choose(struct offers *offers, bool (*knows)(void *context, int list, const char *name),
		   void *context)
{
	for (int i = 0; i < EAVESDROPPER_LISTS; i++)
		choose_list(offers, &(struct choosing){ knows, context, i, &offers->ours[i] });
}

/* -- what the server makes of it ------------------------------------------------------------ */

const char *offers_unshared(const struct offers *offers, const struct eavesdropper *eavesdropper,
			    const char **what, bool *ssh_agrees)
{
	const char *of_ssh[EAVESDROPPER_LISTS], *ours[EAVESDROPPER_LISTS];
	for (int i = 0; i < EAVESDROPPER_LISTS; i++) {
		of_ssh[i] = offers->of_ssh[lists[i].offer];
		ours[i] = offers->ours[i].stands_in ? "" : offers->ours[i].names;
	}
	const char *list = eavesdropper_unshared(eavesdropper, of_ssh, what);
	*ssh_agrees = false;
	if (list != NULL)
		return list;
	list = eavesdropper_unshared(eavesdropper, ours, what);
	*ssh_agrees = list != NULL;
	return list;
}
