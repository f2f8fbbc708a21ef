/* What can be wrong with the file before its first key is looked at. */
#include "conf/source.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "bed.h"

static struct bed bed;

static void init(void)
{
	bed_init(&bed);
}

static void fini(void)
{
	bed_fini(&bed);
}

TestSuite(source, .init = init, .fini = fini);

static void expect_fault(const char *path, const char *fault)
{
	struct source s = {0};

	cr_expect_eq(source_load(&s, path, &bed.faults), WSMD_ECONFIG);
	cr_expect_null(s.root);
	bed_expect_faults(&bed, (const char *const[]){fault, NULL}, path);
	conf_faults_fini(&bed.faults);
}

Test(source, missing)
{
	expect_fault("none.json", "none.json: no such file; wsmd --init prints one to start from");
}

Test(source, directory)
{
	expect_fault(".", ".: is a directory, not a file");
}

Test(source, not_a_directory)
{
	bed_write("{}", 2);
	expect_fault(BED_FILE "/x", BED_FILE "/x: cannot be read: Not a directory");
}

Test(source, unreadable)
{
	bed_write("{}", 2);
	cr_assert_eq(chmod(BED_FILE, 0), 0);
	if (geteuid() == 0)
		cr_assert_eq(chmod(".", 0755) | seteuid(65534), 0);
	expect_fault(BED_FILE, BED_FILE ": this user may not read it: Permission denied");
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
}

static const struct {
	const char *text;
	size_t len;
	const char *fault;
} texts[] = {
#define TEXT(t) t, sizeof(t) - 1
	{TEXT(""), BED_FILE ": is empty; the least it may hold is {}"},
	{TEXT(" \n\t\r\n"), BED_FILE ": is empty; the least it may hold is {}"},
	{TEXT("{"), BED_FILE ":1:1: not valid JSON: string or '}' expected near end of file"},
	{TEXT("{\n \"workers\": 1,\n}"),
         BED_FILE ":3:1: not valid JSON: string or '}' expected near '}'"},
	{TEXT("{\n \"workers\": 1 2}"), BED_FILE ":2:15: not valid JSON: '}' expected near '2'"},
	{TEXT("{} x"), BED_FILE ":1:4: not valid JSON: end of file expected near 'x'"},
	{TEXT("5"), BED_FILE ":1:1: not valid JSON: '[' or '{' expected near '5'"},
	{TEXT("{\"workers\": 1e999}"),
         BED_FILE ":1:17: not valid JSON: real number overflow near '1e999'"},
	{TEXT("{\n\"workers\": 1,\n\"workers\": 2}"),
         BED_FILE ":3:9: duplicate object key near '\"workers\"'; a name may be given only once"},
	{TEXT("{\"log\": {\"_comment\": 1,\n\"_comment\": 1}}"),
         BED_FILE ":2:10: duplicate object key near '\"_comment\"'; a name may be given only once"},
	{TEXT("{\n\"control\": \"\xff\"}"),
         BED_FILE ":2:12: not UTF-8 text: unable to decode byte 0xff near '\"'"},
	{TEXT("{}\0"), BED_FILE ":1:3: not valid JSON: end of file expected near end of file"},
	{TEXT("{\"a\n\": 1}"), BED_FILE ":1:3: not valid JSON: unexpected newline near '\"a'"},
};

/* The number that the next open file would get. */
static int next_fd(void)
{
	const int fd = dup(0);

	close(fd);
	return fd;
}

Test(source, not_json)
{
	const int before = next_fd();

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		bed_write(texts[i].text, texts[i].len);
		expect_fault(BED_FILE, texts[i].fault);
	}
	cr_expect_eq(next_fd(), before, "a file was left open");
}

Test(source, nested_without_end)
{
	char text[10000];
	struct source s;

	memset(text, '[', sizeof(text));
	bed_write(text, sizeof(text));
	cr_expect_eq(source_load(&s, BED_FILE, &bed.faults), WSMD_ECONFIG);
	cr_expect_eq(bed.faults.n, 1);
}

/* A file of @size bytes that is {} and spaces. */
static void write_sparse(size_t size)
{
	char *text = malloc(size);

	memset(text, ' ', size);
	memcpy(text + size - 2, "{}", 2);
	bed_write(text, size);
	free(text);
}

Test(source, size)
{
	static const size_t allowed[] = {2, 3, 16383, 16384, 16385, 32768, SOURCE_MAX_BYTES};
	struct source s = {0};

	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		write_sparse(allowed[i]);
		cr_expect_eq(source_load(&s, BED_FILE, &bed.faults), 0, "%zu bytes", allowed[i]);
		cr_expect_eq(strlen(s.text), allowed[i]);
		source_fini(&s);
	}
	write_sparse(SOURCE_MAX_BYTES + 1);
	expect_fault(BED_FILE, BED_FILE ": larger than 16 MiB; a configuration is a few KiB");
	expect_fault("/dev/zero", "/dev/zero: larger than 16 MiB; a configuration is a few KiB");
}
