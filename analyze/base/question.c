#include "sshwhy/fact.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *text;
	unsigned depth;
} questions[QUESTIONS] = {
#define QUESTION(id, name_, depth_, text_)                                                         \
	[QUESTION_##id] = { .name = name_, .text = text_, .depth = depth_ },
#include "sshwhy/questions.def"
};

static const struct {
	const char *name;
	enum question question;
} answers[ANSWERS] = {
#define ANSWER(question_, id, name_)                                                               \
	[ANSWER_##question_##_##id] = { .name = name_, .question = QUESTION_##question_ },
#include "sshwhy/questions.def"
};

/* The number of each question's first answer: numbers as in enum answer, where a question takes
 * none. */
enum {
	BEFORE_ALL = ANSWER_NONE,
#define QUESTION(id, name, depth, text) FIRST_##id, BEFORE_##id = FIRST_##id - 1,
#define ANSWER(question, id, name)	AT_##question##_##id,
#include "sshwhy/questions.def"
};

static const enum answer firsts[QUESTIONS + 1] = {
#define QUESTION(id, name, depth, text) [QUESTION_##id] = (enum answer)FIRST_##id,
#include "sshwhy/questions.def"
	[QUESTIONS] = ANSWERS,
};

const char *question_name(enum question question)
{
	return questions[question].name;
}

const char *question_text(enum question question)
{
	return questions[question].text;
}

unsigned question_depth(enum question question)
{
	return questions[question].depth;
}

const char *answer_name(enum answer answer)
{
	return answers[answer].name;
}

enum question answer_question(enum answer answer)
{
	return answers[answer].question;
}

struct answer_range answers_of(enum question question)
{
	return (struct answer_range){ firsts[question], (enum answer)(firsts[question + 1] - 1) };
}

bool answer_by_name(const char *fact, enum answer *answer)
{
	for (int i = ANSWER_NONE + 1; i < ANSWERS; i++) {
		char name[128];
		snprintf(name, sizeof(name), "%s.%s", questions[answers[i].question].name,
			 answers[i].name);
		if (strcmp(name, fact) == 0) {
			*answer = (enum answer)i;
			return true;
		}
	}
	return false;
}
