/* The choice of the environment. */
#include "conf/env.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "conf/faults.h"

static const char *const names[] = {[ENV_DEVELOPMENT] = "development",
                                    [ENV_TESTING] = "testing",
                                    [ENV_STAGING] = "staging",
                                    [ENV_PRODUCTION] = "production"};

const char *conf_env_name(enum conf_env env)
{
	return names[env];
}

/* People write "prod", "dev", "stage": the names differ in their first three letters. */
static const char *nearest(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strncasecmp(word, names[i], 3) == 0)
			return names[i];
	}
	return text_nearest(word, names, ARRAY_LEN(names));
}

static int refuse(const char *origin, const char *word, struct conf_faults *faults)
{
	const char *near = nearest(word);
	char shown[64];
	int err;

	text_escape(shown, sizeof(shown), word, strlen(word));
	err = faults_add(
		faults,
		"%s=%s: unknown environment; expected one of development, testing, staging, "
		"production%s%s%s",
		origin, shown, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return err < 0 ? err : WSMD_ECONFIG;
}

int env_choose(const char *option, enum conf_env *ret, struct conf_faults *faults)
{
	static const char *const variables[] = {"WSMD_ENV", "ENVIRONMENT"};
	const char *origin = "--env", *word = option;

	for (size_t i = 0; i < ARRAY_LEN(variables) && word == NULL; i++) {
		origin = variables[i];
		word = getenv(origin);
		if (word != NULL && *word == '\0')
			word = NULL;
	}
	if (word == NULL)
		word = names[ENV_DEVELOPMENT];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(word, names[i]) == 0) {
			*ret = (enum conf_env)i;
			return 0;
		}
	}
	return refuse(origin, word, faults);
}
