/* Every allocation fails once: a clean answer each time, and nothing left behind. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "base/err.h"
#include "bed.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static long fail_in;      /* this many allocations from now one fails; below 1: none does */
static bool from_then_on; /* ... and all that follow */
static bool failed;
static long in_use;

static bool fails(void)
{
	if (fail_in > 1) {
		fail_in--;
		return false;
	}
	if (fail_in < 1)
		return false;
	failed = true;
	if (!from_then_on)
		fail_in = 0;
	return true;
}

static void *counted(void *p)
{
	in_use += p != NULL;
	return p;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : counted(__real_malloc(n));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *p, size_t n)
{
	void *grown = fails() ? NULL : __real_realloc(p, n);

	in_use += p == NULL && grown != NULL;
	return grown;
}

void __wrap_free(void *p)
{
	in_use -= p != NULL;
	__real_free(p);
}

static struct bed bed;

static void init(void)
{
	json_set_alloc_funcs(__wrap_malloc, __wrap_free);
	json_object_seed(1);
	bed_init(&bed);
}

static void fini(void)
{
	bed_fini(&bed);
}

TestSuite(memory, .init = init, .fini = fini);

static const struct conf_setting good[] = {{"listen", "127.0.0.1:1", "--set"},
                                           {"listen", "127.0.0.1:2", "--listen"},
                                           {"hubs.chat.on_message", "echo", "--set"},
                                           {"workers", "3", "--set"},
                                           {"control.path", "/run/x", "--set"}};
static const struct conf_setting wrong[] = {{"listen", "nowhere", "--set"}, {"x", "1", "--set"}};
/* Names longer than the lexer's first buffer: those it would lose characters of. */
static const char good_file[] = "{\"hubs\": {\"a_hub_with_a_rather_long_name_for_a_hub\": "
				"{\"on_message\": \"echo\"}}, \"_comment\": [1, {}],"
				" \"listen\": [\"127.0.0.1:1\"], \"drain\": {\"rate_per_s\": 5}}";
static const char wrong_file[] =
	"{\"hubs\": {\"9\": {}}, \"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4, \"e\": 5,"
	" \"f\": 6, \"g\": 7, \"workers\": \"x\", \"listen\": [1, 2]}";

/* Returns what conf_load() says when allocation @n fails; nothing stays allocated. */
static int load_failing(const struct conf_args *args, long n)
{
	struct conf_faults faults = {0};
	struct conf *c = NULL;
	const long before = in_use;
	int err;

	failed = false;
	fail_in = n;
	err = conf_load(args, 2, &c, &faults);
	fail_in = 0;
	cr_expect_eq(err == 0, c != NULL);
	cr_expect_eq(err == WSMD_ECONFIG, err != 0 && !failed);
	conf_free(c);
	conf_faults_fini(&faults);
	cr_expect_eq(in_use, before, "allocation %ld leaks %ld", n, in_use - before);
	return err;
}

/* @last: what is said when none fails. */
static void fail_each(const char *text, const struct conf_args *args, int last)
{
	struct conf_args own = *args;
	long n = 1;
	int err, unseen = 0;

	bed_write(text, strlen(text));
	own.file = BED_FILE;
	own.env_name = "production";
	for (;; n++) {
		err = load_failing(&own, n);
		if (!failed)
			break;
		unseen += err == 0;
		cr_expect(err == WSMD_ENOMEM || err == 0, "allocation %ld: %d", n, err);
	}
	cr_expect_eq(err, last);
	cr_expect_eq(unseen, last == 0, "only giving memory back may fail unseen");
	cr_expect_gt(n, 50, "only %ld allocations were tried", n);
}

Test(memory, of_a_good_configuration)
{
	fail_each(good_file, &(struct conf_args){.n_settings = ARRAY_LEN(good), .settings = good},
	          0);
}

Test(memory, of_a_faulty_configuration)
{
	fail_each(wrong_file,
	          &(struct conf_args){.n_settings = ARRAY_LEN(wrong), .settings = wrong},
	          WSMD_ECONFIG);
}

Test(memory, all_from_one_on)
{
	from_then_on = true;
	fail_each(good_file, &(struct conf_args){.n_settings = ARRAY_LEN(good), .settings = good},
	          0);
	fail_each(wrong_file,
	          &(struct conf_args){.n_settings = ARRAY_LEN(wrong), .settings = wrong},
	          WSMD_ECONFIG);
}

Test(memory, of_a_syntax_error)
{
	fail_each("{\"a\": }", &(struct conf_args){0}, WSMD_ECONFIG);
}

Test(memory, of_merge_and_initial_file)
{
	FILE *out = fopen("/dev/null", "w");
	long n;
	int err = WSMD_ENOMEM;

	bed_load(&bed, NULL, NULL);
	fail_in = 1;
	cr_expect_null(conf_merge_reload(bed.conf, bed.conf));
	for (n = 1; err < 0; n++) {
		const long before = in_use;

		failed = false;
		fail_in = n;
		err = conf_print_initial(out);
		cr_expect_eq(err, failed ? WSMD_ENOMEM : 0);
		cr_expect_eq(in_use, before);
	}
	cr_expect_gt(n, 20);
	fail_in = 0;
	fclose(out);
}
