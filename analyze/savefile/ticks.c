/* Time stamps of any resolution as nanoseconds. */
#include "savefile/reader.h"

#define TIME_LIMIT (INT64_C(1) << 62)

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

static uint64_t power_of_ten(unsigned exponent)
{
	uint64_t power = 1;
	while (exponent-- > 0)
		power *= 10;
	return power;
}

/* draft-ietf-opsawg-pcapng 4.2: "If the Most Significant Bit is equal to zero, the
 * remaining bits indicate the resolution of the timestamp as a negative power of
 * 10 [...]. If the Most Significant Bit is equal to one, [...] of 2". */
struct ticks ticks_from_resolution(uint8_t resolution)
{
	unsigned exponent = resolution & 0x7f;
	if (resolution & 0x80)
		return (struct ticks){ .multiply = 1000000000, .divide = 1, .shift = exponent };
	if (exponent <= 9)
		return (struct ticks){ .multiply = power_of_ten(9 - exponent), .divide = 1 };
	if (exponent <= 9 + 19)
		return (struct ticks){ .multiply = 1, .divide = power_of_ten(exponent - 9) };
	return (struct ticks){ .multiply = 0, .divide = 1 }; /* 2^64 ticks are less than 1 ns */
}

int64_t ticks_to_ns(const struct ticks *ticks, uint64_t stamp)
{
	uwide scaled = (uwide)stamp * ticks->multiply;
	if (ticks->divide != 1)
		scaled /= ticks->divide;
	wide ns = (wide)(scaled >> ticks->shift) + (wide)ticks->offset_seconds * 1000000000;
	if (ns >= TIME_LIMIT)
		return TIME_LIMIT - 1;
	if (ns <= -TIME_LIMIT)
		return -TIME_LIMIT + 1;
	return (int64_t)ns;
}
