#include "base/escape.h"

#include <string.h>

struct code_range {
	uint32_t first, last;
};

/* Characters that no report may pass on: they act, hide, or have no agreed shape. */
static const struct code_range unsafe[] = {
	{ 0x0000, 0x001F },    /* C0 controls, ESC among them */
	{ 0x007F, 0x009F },    /* DEL and the C1 controls: U+009B starts an ANSI sequence */
	{ 0x00AD, 0x00AD },    /* soft hyphen */
	{ 0x034F, 0x034F },    /* combining grapheme joiner */
	{ 0x061C, 0x061C },    /* Arabic letter mark */
	{ 0x115F, 0x1160 },    /* Hangul fillers */
	{ 0x180B, 0x180F },    /* Mongolian selectors and vowel separator */
	{ 0x200B, 0x200F },    /* zero width; LRM, RLM */
	{ 0x2028, 0x202E },    /* line and paragraph separator; bidi embeddings, overrides */
	{ 0x2060, 0x206F },    /* word joiner; bidi isolates */
	{ 0x3164, 0x3164 },    /* Hangul filler */
	{ 0xE000, 0xF8FF },    /* private use */
	{ 0xFDD0, 0xFDEF },    /* noncharacters */
	{ 0xFE00, 0xFE0F },    /* variation selectors */
	{ 0xFEFF, 0xFEFF },    /* byte order mark */
	{ 0xFFA0, 0xFFA0 },    /* halfwidth Hangul filler */
	{ 0xFFF0, 0xFFFB },    /* interlinear annotation */
	{ 0xFFFE, 0xFFFF },    /* noncharacters */
	{ 0x1D173, 0x1D17A },  /* musical format characters */
	{ 0xE0000, 0x10FFFF }, /* tags, private use planes */
};

/* Two columns in a terminal: East Asian wide and fullwidth (UAX #11), emoji. */
static const struct code_range wide[] = {
	{ 0x1100, 0x115E }, { 0x2E80, 0x303E }, { 0x3041, 0x4DBF },   { 0x4E00, 0xA4CF },
	{ 0xA960, 0xA97F }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF },   { 0xFE30, 0xFE6F },
	{ 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F000, 0x1FAFF }, { 0x20000, 0x3FFFD },
};

static bool within(uint32_t code, const struct code_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

size_t utf8_decode(const char *bytes, uint32_t *code)
{
	/* The smallest code point that needs a length: anything less is overlong. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char lead = (unsigned char)bytes[0];
	size_t length;

	if (lead < 0x80) {
		*code = lead;
		return 1;
	}
	if (lead >= 0xC2 && lead <= 0xDF)
		length = 2;
	else if (lead >= 0xE0 && lead <= 0xEF)
		length = 3;
	else if (lead >= 0xF0 && lead <= 0xF4)
		length = 4;
	else
		return 0;
	*code = lead & (0x7Fu >> length);
	for (size_t i = 1; i < length; i++) {
		/* The terminating NUL is no continuation: nothing is read behind it. */
		if (((unsigned char)bytes[i] & 0xC0) != 0x80)
			return 0;
		*code = *code << 6 | ((unsigned char)bytes[i] & 0x3F);
	}
	if (*code < least[length] || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF))
		return 0;
	return length;
}

/* The length of the character at `text` when it is safe to print, else 0. */
static size_t safe_length(const char *text)
{
	uint32_t code;

	if (*text >= ' ' && *text <= '~') /* nearly all of a report */
		return 1;
	size_t length = utf8_decode(text, &code);
	if (length == 0 || within(code, unsafe, sizeof unsafe / sizeof unsafe[0]))
		return 0;
	return length;
}

static void put_code(char code[4], unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	code[0] = '\\';
	code[1] = 'x';
	code[2] = digits[byte >> 4];
	code[3] = digits[byte & 0xf];
}

/* What stands for the first of a text, and how many bytes of that it takes. */
struct piece {
	const char *at;
	size_t length, taken;
	char code[4];
};

static void take_piece(struct piece *piece, const char *text, bool double_backslash)
{
	size_t safe = safe_length(text);

	*piece = (struct piece){ .at = text, .length = safe, .taken = safe };
	if (safe == 0) {
		put_code(piece->code, (unsigned char)*text);
		piece->at = piece->code;
		piece->length = sizeof piece->code;
		piece->taken = 1;
	} else if (*text == '\\' && double_backslash) {
		piece->at = "\\\\";
		piece->length = 2;
	}
}

static const char *escape(const char *text, bool double_backslash, char *out, size_t size)
{
	size_t used = 0;
	size_t fits = 0; /* the longest beginning that leaves room for "..." */
	struct piece piece;

	for (; text != NULL && *text != '\0'; text += piece.taken) {
		take_piece(&piece, text, double_backslash);
		if (used + piece.length + 1 > size) {
			memcpy(out + fits, "...", 3);
			used = fits + 3;
			break;
		}
		memcpy(out + used, piece.at, piece.length);
		used += piece.length;
		if (used + 4 <= size)
			fits = used;
	}
	out[used] = '\0';
	return out;
}

const char *escape_text(const char *text, char *out, size_t size)
{
	return escape(text, true, out, size);
}

const char *escape_command(const char *command, char *out, size_t size)
{
	return escape(command, false, out, size);
}

bool escape_is_clean(const char *text)
{
	while (*text != '\0') {
		size_t length = safe_length(text);
		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

size_t utf8_columns(const char *text, size_t length)
{
	size_t columns = 0;

	for (size_t at = 0; at < length;) {
		uint32_t code;
		size_t step = utf8_decode(text + at, &code);
		bool is_wide = step > 0 && within(code, wide, sizeof wide / sizeof wide[0]);
		columns += is_wide ? 2 : 1;
		at += step > 0 ? step : 1;
	}
	return columns;
}
