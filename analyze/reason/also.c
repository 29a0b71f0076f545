#include "reason/also.h"

static const struct {
	enum answer answer;
	enum cause cause;
} rows[] = {
#define ALSO(question, answer_, cause_)                                                            \
	{ .answer = ANSWER_##question##_##answer_, .cause = CAUSE_##cause_ },
#include "reason/also.def"
};

enum cause also_cause(enum answer answer)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].answer == answer)
			return rows[i].cause;
	return CAUSES;
}
