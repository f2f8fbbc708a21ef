/* Birth, end and facts of managers. */
#include "server/manager.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/locale.h"
#include "server/call.h"
#include "server/plan.h"
#include "server/sized.h"

#define FAULT_MAX 512

static _Atomic(struct wsmd_manager *) default_manager;

static_assert(WSMD_ID_BYTES == CONN_ID_TEXT && WSMD_HUB_BYTES == HUB_NAME_BYTES,
              "as in the headers");
static_assert(WSMD_USER_BYTES == USER_NAME_MAX + 1 && WSMD_ADDRESS_BYTES == NET_ADDR_TEXT, "too");
static_assert(WSMD_PATH_BYTES == CONTROL_PATH_MAX, "too");
static_assert((int)WSMD_LOG_ERROR == LOG_ERROR && (int)WSMD_LOG_WARNING == LOG_WARNING, "too");
static_assert((int)WSMD_LOG_INFO == LOG_INFO && (int)WSMD_LOG_DEBUG == LOG_DEBUG, "too");

const char *wsmd_error_text(int error)
{
	return err_text(error);
}

int manager_ready(const struct wsmd_manager *m)
{
	if (m == NULL)
		return WSMD_EINVAL;
	/* Acquire: with all that starting has done. */
	return atomic_load_explicit(&m->state, memory_order_acquire) == MANAGER_STARTED
	               ? 0
	               : WSMD_ESTATE;
}

int manager_may_wait(const struct wsmd_manager *m)
{
	const int err = manager_ready(m);

	if (err < 0)
		return err;
	/* Each thread of a manager has its log, and no other thread has one. */
	return log_used() != NULL ? WSMD_EWAIT : 0;
}

/* ---- birth ---- */

static bool write_line(void *arg, enum log_level level, const char *line, size_t len)
{
	const struct wsmd_manager *m = arg;

	if (m->options.log == NULL)
		return os_write_stderr(line, len);
	return m->options.log(m->options.user, (enum wsmd_log_level)level, line, len);
}

static int read_options(struct wsmd_manager *m, const struct wsmd_options *options)
{
	if (options == NULL)
		return 0;
	return sized_read(&m->options, sizeof(m->options), options,
	                  SIZED_LEAST(struct wsmd_options, log));
}

static int make_server(struct wsmd_manager *m, wsmd_fault_fn report, void *user)
{
	char fault[FAULT_MAX];
	struct server_setup setup = {
		.args = &m->args,
		.sink = {.write = write_line, .arg = m, .wall_ms = os_wall_ms},
		.hooks = manager_hooks(m),
	};
	int err;
	const locale_t before = locale_enter();

	role_enter(&role_main); /* it has no other thread yet */
	err = config_load(m->config, report, user, &setup.conf);
	if (err == 0) {
		err = server_new(&setup, &m->server, fault, sizeof(fault));
		if (err < 0 && report != NULL)
			report(user, fault);
	}
	locale_leave(before);
	return err;
}

int wsmd_manager_create(const struct wsmd_config *config, const struct wsmd_options *options,
                        wsmd_fault_fn report, void *report_user, struct wsmd_manager **ret)
{
	struct wsmd_manager *m;
	int err;

	if (config == NULL || ret == NULL)
		return WSMD_EINVAL;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return WSMD_ENOMEM;
	err = read_options(m, options);
	if (err < 0)
		goto fail_manager;
	err = WSMD_ENOMEM;
	m->config = config_copy(config);
	if (m->config == NULL)
		goto fail_manager;
	m->config->has_handler = m->options.on_message != NULL;
	m->args = config_args(m->config);
	err = make_server(m, report, report_user);
	if (err < 0)
		goto fail_config;
	*ret = m;
	return 0;

fail_config:
	wsmd_config_free(m->config);
fail_manager:
	free(m);
	return err;
}

int wsmd_manager_start(struct wsmd_manager *m)
{
	uint32_t state = MANAGER_CREATED;
	int err;

	if (m == NULL)
		return WSMD_EINVAL;
	/* Who is first starts it; until it runs, the others are told that it does not. */
	if (!atomic_compare_exchange_strong(&m->state, &state, MANAGER_FAILED))
		return WSMD_ESTATE;
	role_enter(&role_main); /* it has no other thread yet */
	err = server_start(m->server);
	if (err == 0)
		atomic_store_explicit(&m->state, MANAGER_STARTED, memory_order_release);
	return err;
}

/* ---- end ---- */

static int want(struct wsmd_manager *m, uint32_t wants)
{
	const int err = manager_ready(m);

	if (err == 0)
		server_want(m->server, wants);
	return err;
}

int wsmd_manager_drain(struct wsmd_manager *m)
{
	return want(m, SERVER_WANT_DRAIN);
}

int wsmd_manager_stop(struct wsmd_manager *m)
{
	return want(m, SERVER_WANT_STOP);
}

int wsmd_manager_cut(struct wsmd_manager *m)
{
	return want(m, SERVER_WANT_CUT);
}

/* False: not in time. */
static bool wait_until_ended(struct server *s, int timeout_ms)
{
	const uint64_t from = os_now_ms();

	/* Acquire: what main did last is visible. */
	while (atomic_load_explicit(&s->ended, memory_order_acquire) == 0) {
		const uint64_t passed = os_now_ms() - from;

		if (timeout_ms >= 0 && passed >= (uint64_t)timeout_ms)
			return false;
		os_word_wait(&s->ended, 0,
		             timeout_ms < 0 ? UINT32_MAX : (uint32_t)timeout_ms - (uint32_t)passed);
	}
	return true;
}

int wsmd_manager_wait(struct wsmd_manager *m, int timeout_ms, bool *ret_cut)
{
	const int err = manager_may_wait(m);

	if (err < 0)
		return err;
	if (!wait_until_ended(m->server, timeout_ms))
		return -ETIMEDOUT;
	role_enter(&role_main); /* it has done its last */
	if (ret_cut != NULL)
		*ret_cut = m->server->cut;
	return 0;
}

int wsmd_manager_ended_fd(const struct wsmd_manager *m)
{
	return m == NULL ? WSMD_EINVAL : m->server->ended_fd;
}

int wsmd_manager_destroy(struct wsmd_manager *m)
{
	struct wsmd_manager *self = m;

	if (m == NULL)
		return 0;
	if (log_used() != NULL)
		return WSMD_EWAIT;
	if (wsmd_manager_stop(m) == 0)
		server_join(m->server);
	(void)atomic_compare_exchange_strong(&default_manager, &self, NULL);
	role_enter(&role_main); /* its thread has ended, or never began */
	server_free(m->server);
	wsmd_config_free(m->config);
	free(m);
	return 0;
}

int wsmd_manager_set_default(struct wsmd_manager *m)
{
	struct wsmd_manager *none = NULL;

	if (m == NULL)
		return WSMD_EINVAL;
	return atomic_compare_exchange_strong(&default_manager, &none, m) ? 0 : -EBUSY;
}

struct wsmd_manager *wsmd_manager_default(void)
{
	return atomic_load(&default_manager);
}

/* ---- reload ---- */

struct reload_call {
	struct call call;
	struct conf_faults faults;
	int err;
};

static void run_reload(struct server *s, struct call *c) ON_MAIN;
static void run_reload(struct server *s, struct call *c)
{
	struct reload_call *r = CONTAINER_OF(c, struct reload_call, call);

	r->err = server_reload(s, &r->faults, NULL, NULL);
}

int wsmd_manager_reload(struct wsmd_manager *m, wsmd_fault_fn report, void *report_user)
{
	struct reload_call r = {.call.run = run_reload};
	int err = manager_may_wait(m);

	if (err == 0)
		err = call_main(m->server, &r.call);
	if (err < 0)
		return err;
	for (size_t i = 0; i < r.faults.n && report != NULL; i++)
		report(report_user, r.faults.lines[i]);
	conf_faults_fini(&r.faults);
	return r.err;
}

int wsmd_manager_reload_soon(struct wsmd_manager *m)
{
	return want(m, SERVER_WANT_RELOAD);
}

/* ---- facts ---- */

int wsmd_manager_facts(const struct wsmd_manager *m, struct wsmd_facts *ret)
{
	int err = sized_check(ret, SIZED_LEAST(struct wsmd_facts, control_path));
	struct wsmd_facts facts;

	if (m == NULL || err < 0)
		return WSMD_EINVAL;
	facts = m->server->facts;
	sized_write(ret, &facts, sizeof(facts));
	return 0;
}

int wsmd_manager_address(const struct wsmd_manager *m, uint32_t index, char ret[WSMD_ADDRESS_BYTES])
{
	if (m == NULL || ret == NULL)
		return WSMD_EINVAL;
	if (index >= m->server->facts.n_addresses)
		return WSMD_ENOENT;
	net_addr_format(&m->server->listeners[index].bound, ret);
	return 0;
}
