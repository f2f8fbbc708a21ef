/* Configurations of the public interface. */
#include "server/manager_config.h"

#include <string.h>

#include "base/err.h"
#include "base/locale.h"
#include "os/os.h"
#include "server/keys.h"
#include "server/plan.h"
#include "server/server.h"
#include "wsmd/ctl.h"

#define TEXT_MAX (64u << 10)

int wsmd_config_new(struct wsmd_config **ret)
{
	struct wsmd_config *c;

	if (ret == NULL)
		return WSMD_EINVAL;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return WSMD_ENOMEM;
	*ret = c;
	return 0;
}

static void free_setting(const struct conf_setting *s)
{
	free((char *)s->key);
	free((char *)s->value);
	free((char *)s->origin);
}

void wsmd_config_free(struct wsmd_config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		free_setting(&c->settings[i]);
	free(c->settings);
	free(c->file);
	free(c->env_name);
	free(c);
}

static bool fits(const char *text)
{
	return text != NULL && strnlen(text, TEXT_MAX) < TEXT_MAX;
}

static int set_text(char **field, const char *text)
{
	char *copy;

	if (!fits(text))
		return WSMD_EINVAL;
	copy = strdup(text);
	if (copy == NULL)
		return WSMD_ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int wsmd_config_file(struct wsmd_config *c, const char *path)
{
	return c == NULL ? WSMD_EINVAL : set_text(&c->file, path);
}

int wsmd_config_env(struct wsmd_config *c, const char *name)
{
	return c == NULL ? WSMD_EINVAL : set_text(&c->env_name, name);
}

static int set_flag(bool *flag)
{
	if (flag == NULL)
		return WSMD_EINVAL;
	*flag = true;
	return 0;
}

int wsmd_config_dev(struct wsmd_config *c)
{
	return set_flag(c == NULL ? NULL : &c->dev);
}

int wsmd_config_listen_nowhere(struct wsmd_config *c)
{
	return set_flag(c == NULL ? NULL : &c->listens_nowhere);
}

int wsmd_config_handler(struct wsmd_config *c)
{
	return set_flag(c == NULL ? NULL : &c->has_handler);
}

int wsmd_config_control(struct wsmd_config *c)
{
	return set_flag(c == NULL ? NULL : &c->wants_control);
}

static int make_room(struct wsmd_config *c)
{
	const size_t cap = c->cap == 0 ? 8 : 2 * c->cap;
	struct conf_setting *settings;

	if (c->n < c->cap)
		return 0;
	settings = realloc(c->settings, cap * sizeof(*settings));
	if (settings == NULL)
		return WSMD_ENOMEM;
	c->settings = settings;
	c->cap = cap;
	return 0;
}

int wsmd_config_set(struct wsmd_config *c, const char *key, const char *value, const char *origin)
{
	struct conf_setting s;

	if (origin == NULL)
		origin = "--set";
	if (c == NULL || !fits(key) || !fits(value) || !fits(origin))
		return WSMD_EINVAL;
	if (make_room(c) < 0)
		return WSMD_ENOMEM;
	s = (struct conf_setting){strdup(key), strdup(value), strdup(origin)};
	if (s.key == NULL || s.value == NULL || s.origin == NULL) {
		free_setting(&s);
		return WSMD_ENOMEM;
	}
	c->settings[c->n++] = s;
	return 0;
}

int wsmd_config_listen(struct wsmd_config *c, const char *address)
{
	return wsmd_config_set(c, "listen", address, "--listen");
}

/* ---- reading ---- */

struct wsmd_config *config_copy(const struct wsmd_config *from)
{
	struct wsmd_config *c;

	if (wsmd_config_new(&c) < 0)
		return NULL;
	c->dev = from->dev;
	c->listens_nowhere = from->listens_nowhere;
	c->has_handler = from->has_handler;
	c->wants_control = from->wants_control;
	if ((from->file != NULL && set_text(&c->file, from->file) < 0) ||
	    (from->env_name != NULL && set_text(&c->env_name, from->env_name) < 0))
		goto fail;
	for (size_t i = 0; i < from->n; i++) {
		const struct conf_setting *s = &from->settings[i];

		if (wsmd_config_set(c, s->key, s->value, s->origin) < 0)
			goto fail;
	}
	return c;

fail:
	wsmd_config_free(c);
	return NULL;
}

struct conf_args config_args(const struct wsmd_config *c)
{
	return (struct conf_args){
		.file = c->file,
		.env_name = c->env_name,
		.dev = c->dev,
		.listens_nowhere = c->listens_nowhere,
		.has_handler = c->has_handler,
		.n_settings = c->n,
		.settings = c->settings,
	};
}

int config_load(const struct wsmd_config *config, wsmd_fault_fn report, void *user,
                struct conf **ret)
{
	const struct conf_args args = config_args(config);
	struct conf_faults faults = {0};
	struct conf *c;
	const int err = conf_load(&args, os_cpus(), &c, &faults);

	for (size_t i = 0; i < faults.n && report != NULL; i++)
		report(user, faults.lines[i]);
	conf_faults_fini(&faults);
	if (err < 0)
		return err;
	if (config->wants_control && c->control_path[0] == '\0' &&
	    wsmd_ctl_default_path(c->control_path, sizeof(c->control_path)) < 0) {
		if (report != NULL)
			report(user, "the default control path is too long; choose one with "
			             "--control PATH");
		conf_free(c);
		return WSMD_ECONFIG;
	}
	*ret = c;
	return 0;
}

static int check(const struct wsmd_config *config, wsmd_fault_fn report, void *user)
{
	char why[KEY_WHY_BYTES];
	struct keys keys;
	struct conf *c;
	int err = config_load(config, report, user, &c);

	if (err < 0)
		return err;
	err = keys_load(c, &keys, why);
	if (err == 0)
		keyring_release(keys.ring);
	else if (report != NULL)
		report(user, why);
	conf_free(c);
	return err;
}

int wsmd_config_check(const struct wsmd_config *config, wsmd_fault_fn report, void *user)
{
	locale_t before;
	int err;

	if (config == NULL)
		return WSMD_EINVAL;
	before = locale_enter();
	err = check(config, report, user);
	locale_leave(before);
	return err;
}

static int print(const struct wsmd_config *config, FILE *out, wsmd_fault_fn report, void *user)
{
	struct conf *c;
	int err = config_load(config, report, user, &c);

	if (err < 0)
		return err;
	err = conf_print(c, out);
	conf_free(c);
	return err;
}

int wsmd_config_print(const struct wsmd_config *config, FILE *out, wsmd_fault_fn report, void *user)
{
	locale_t before;
	int err;

	if (config == NULL || out == NULL)
		return WSMD_EINVAL;
	before = locale_enter();
	err = print(config, out, report, user);
	locale_leave(before);
	return err;
}

static int plan(const struct wsmd_config *config, FILE *out, wsmd_fault_fn report, void *user)
{
	struct conf *c;
	struct plan p;
	char fault[512];
	int err = config_load(config, report, user, &c);

	if (err < 0)
		return err;
	plan_make(c, server_fd_room(os_fd_limit(), c->workers), os_memory_limit(), &p);
	if (plan_refuses(c, &p, fault, sizeof(fault))) {
		if (report != NULL)
			report(user, fault);
		err = WSMD_ENOMEM;
	}
	plan_print(&p, out);
	conf_free(c);
	return err;
}

int wsmd_config_plan(const struct wsmd_config *config, FILE *out, wsmd_fault_fn report, void *user)
{
	locale_t before;
	int err;

	if (config == NULL || out == NULL)
		return WSMD_EINVAL;
	before = locale_enter();
	err = plan(config, out, report, user);
	locale_leave(before);
	return err;
}

int wsmd_config_print_initial(FILE *out)
{
	locale_t before;
	int err;

	if (out == NULL)
		return WSMD_EINVAL;
	before = locale_enter();
	err = conf_print_initial(out);
	locale_leave(before);
	return err;
}
