/* Reading the configuration again, and saying what came of it to the log and to who asked. */
#include "base/err.h"
#include "conf/faults.h"
#include "server/keys.h"
#include "server/server.h"

struct reload_report {
	void (*report)(void *arg, const char *key, enum conf_change change, const char *was,
	               const char *is);
	void *arg;
};

/* In the log, and to who asked. */
static void on_change(void *arg, const char *key, enum conf_change change, const char *was,
                      const char *is)
{
	const struct reload_report *r = arg;
	struct log_line l;

	if (r->report != NULL)
		r->report(r->arg, key, change, was, is);
	if (!log_begin(&l, LOG_INFO, "reload"))
		return;
	log_str(&l, "key", key);
	log_str(&l, "outcome", change == CONF_APPLIED ? "applied" : "needs_restart");
	log_str(&l, "was", was);
	log_str(&l, "is", is);
	log_end(&l);
}

static void log_faults(int err, const struct conf_faults *faults)
{
	log_event(LOG_ERROR, "reload_refused", "%s; nothing was changed", err_text(err));
	for (size_t i = 0; i < faults->n; i++)
		log_event(LOG_ERROR, "reload_fault", "%s", faults->lines[i]);
}

/* Keys that are not good are a fault like another. */
static int read_keys(const struct conf *next, struct conf_faults *faults, struct keys *ret)
{
	char why[KEY_WHY_BYTES];
	int err = keys_load(next, ret, why);

	if (err == WSMD_ECONFIG && faults_add(faults, "%s", why) < 0)
		err = WSMD_ENOMEM;
	return err;
}

/* The snapshot to publish: what a reload applies of the file as it is now. */
static int read_again(struct server *s, struct conf_faults *faults, struct reload_report *r,
                      struct conf **ret, struct keys *ret_keys) ON_MAIN;
static int read_again(struct server *s, struct conf_faults *faults, struct reload_report *r,
                      struct conf **ret, struct keys *ret_keys)
{
	const struct conf *now = server_conf(s);
	struct conf *read;
	int err = conf_load(s->args, s->cpus, &read, faults);

	if (err < 0)
		return err;
	err = read_keys(read, faults, ret_keys);
	if (err < 0) {
		conf_free(read);
		return err;
	}
	*ret = conf_merge_reload(now, read);
	if (*ret != NULL) {
		if (read->control_path[0] == '\0') /* the default was filled in at start */
			snprintf(read->control_path, sizeof(read->control_path), "%s",
			         now->control_path);
		conf_diff(now, read, on_change, r);
	}
	conf_free(read);
	if (*ret != NULL)
		return 0;
	keyring_release(ret_keys->ring);
	return WSMD_ENOMEM;
}

int server_reload(struct server *s, struct conf_faults *faults,
                  void (*report)(void *arg, const char *key, enum conf_change change,
                                 const char *was, const char *is),
                  void *arg)
{
	struct reload_report r = {report, arg};
	struct conf *next;
	struct keys keys;
	char text[SERVER_LOWERED_TEXT];
	const int err = read_again(s, faults, &r, &next, &keys);

	if (err < 0) {
		log_faults(err, faults);
		return err;
	}
	atomic_store_explicit(&s->max_message_bytes, next->limits.max_message_bytes,
	                      memory_order_relaxed);
	keys_publish(s, keys); /* first: who reads that tokens are wanted finds them */
	conf_cell_publish(&s->conf, next);
	keys_log(s);
	log_configure(&s->log, next->log_level, next->log_format);
	for (uint32_t i = 0; i < 1 + s->n_workers; i++)
		inbox_wake(s->threads[i].inbox);
	if (server_lowers_connections(s, text, sizeof(text)))
		log_event(LOG_WARNING, "memory", "%s", text);
	log_event(LOG_INFO, "reloaded", "%s",
	          s->args->file == NULL ? SERVER_NO_FILE : "the configuration was read again");
	return 0;
}
