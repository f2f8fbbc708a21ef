/* Where the name of the environment is looked for, and the sentence about an unknown one. */
#include "conf/env.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "bed.h"

static void set_variable(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

Test(env, precedence)
{
	static const struct {
		const char *option, *wsmd_env, *environment;
		enum conf_env env;
	} cases[] = {
		{NULL, NULL, NULL, ENV_DEVELOPMENT},
		{NULL, "", "", ENV_DEVELOPMENT},
		{NULL, NULL, "testing", ENV_TESTING},
		{NULL, "", "staging", ENV_STAGING},
		{NULL, "production", "staging", ENV_PRODUCTION},
		{NULL, "production", "nonsense", ENV_PRODUCTION},
		{"testing", "production", "staging", ENV_TESTING},
		{"development", "nonsense", NULL, ENV_DEVELOPMENT},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_faults faults = {0};
		enum conf_env env;

		set_variable("WSMD_ENV", cases[i].wsmd_env);
		set_variable("ENVIRONMENT", cases[i].environment);
		cr_assert_eq(env_choose(cases[i].option, &env, &faults), 0, "case %zu", i);
		cr_expect_eq(env, cases[i].env, "case %zu: %s", i, conf_env_name(env));
		cr_expect_eq(faults.n, 0);
	}
}

#define UNKNOWN ": unknown environment; expected one of development, testing, staging, production"

Test(env, unknown_names)
{
	static const struct {
		const char *option, *wsmd_env, *environment, *fault;
	} cases[] = {
		{"prod", NULL, NULL, "--env=prod" UNKNOWN "; did you mean production?"},
		{"", "production", NULL, "--env=" UNKNOWN},
		{"Production", NULL, NULL, "--env=Production" UNKNOWN "; did you mean production?"},
		{NULL, "stage", "testing", "WSMD_ENV=stage" UNKNOWN "; did you mean staging?"},
		{NULL, "", "dev", "ENVIRONMENT=dev" UNKNOWN "; did you mean development?"},
		{NULL, NULL, "evelopment",
	         "ENVIRONMENT=evelopment" UNKNOWN "; did you mean development?"},
		{NULL, NULL, "t\x1b[1m", "ENVIRONMENT=t\\x1b[1m" UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bed result = {0};
		enum conf_env env;

		set_variable("WSMD_ENV", cases[i].wsmd_env);
		set_variable("ENVIRONMENT", cases[i].environment);
		cr_expect_eq(env_choose(cases[i].option, &env, &result.faults), WSMD_ECONFIG);
		bed_expect_faults(&result, (const char *const[]){cases[i].fault, NULL}, "env");
		conf_faults_fini(&result.faults);
	}
}
