/* Lines of known_hosts, asked for a host: keys that are kept are whole, and judged alike whichever
 * way they are asked for. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "fuzz.h"
#include "sshwhy/cursor.h"
#include "user/known.h"

static const char *const fingerprints[] = { "SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg",
					    "", "x" };

static void check_key(const struct known_key *key)
{
	expect(memchr(key->type, '\0', sizeof(key->type)) != NULL && key->type[0] != '\0');
	expect(strncmp(key->fingerprint, "SHA256:", 7) == 0 && strlen(key->fingerprint) == 7 + 43);
	expect(memchr(key->file, '\0', sizeof(key->file)) != NULL && key->line > 0);
}

static void judge_key(const struct known *known, const char *type, const char *fingerprint)
{
	static const enum event_word words[] = { [KNOWN_NEW] = WORD_HOST_KEY_NEW,
						 [KNOWN_SAME] = WORD_HOST_KEY_SAME,
						 [KNOWN_CHANGED] = WORD_HOST_KEY_CHANGED,
						 [KNOWN_REVOKED] = WORD_HOST_KEY_CHANGED };
	const struct known_key *entry = NULL;
	char why[640];
	enum known_state state = known_check(known, type, fingerprint, &entry);
	expect((entry == NULL) == (state == KNOWN_NEW));
	expect(known_judge(known, type, fingerprint, why, sizeof(why)) == words[state]);
	known_quote(entry, state == KNOWN_SAME, why, sizeof(why));
}

static char *take_line(struct cursor *input)
{
	const uint8_t *end = memchr(input->at, '\n', input->left);
	struct cursor line =
		cursor_part(input, end != NULL ? (size_t)(end - input->at) : input->left);
	cursor_skip(input, end != NULL ? 1 : 0);
	char *text = malloc(line.left + 1);
	expect(text != NULL);
	if (line.left > 0)
		memcpy(text, line.at, line.left);
	text[line.left] = '\0';
	return text;
}

/* Two bytes of a port, the host's line, and the file's lines. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(data, size);
	static struct known known;
	char name[320], algorithms[256];
	uint16_t port = cursor_be16(&input);
	if (input.failed || input.left == 0)
		return 0;
	memset(&known, 0, sizeof(known));
	char *host = take_line(&input);
	known_name(host, port, name, sizeof(name));
	for (unsigned number = 1; input.left > 0; number++) {
		char *line = take_line(&input);
		known_line(&known, line, name, "known_hosts", number);
		free(line);
	}
	expect(known.count <= KNOWN_KEYS_MAX);
	for (size_t i = 0; i < known.count; i++) {
		check_key(&known.key[i]);
		judge_key(&known, known.key[i].type, known.key[i].fingerprint);
	}
	for (size_t i = 0; i < sizeof(fingerprints) / sizeof(fingerprints[0]); i++)
		judge_key(&known, "ssh-ed25519", fingerprints[i]);
	known_algorithms(&known, algorithms, sizeof(algorithms));
	expect(memchr(algorithms, '\0', sizeof(algorithms)) != NULL);
	free(host);
	return 0;
}
