/* Limits of control groups, from folders that look like the kernel's. */
#include "os/cgroup.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"

#define NONE UINT64_MAX

static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root); (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		(void)mkdir(full, 0700);
		*slash = '/';
	}
	f = fopen(full, "w");
	cr_assert_not_null(f, "%s", full);
	fputs(text, f);
	fclose(f);
}

static void init(void)
{
	strcpy(root, "/tmp/wsmd-cgroup-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static void fini(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
}

TestSuite(cgroup, .init = init, .fini = fini);

Test(cgroup, no_groups_at_all)
{
	cr_expect_eq(cgroup_memory_bytes(root), NONE);
}

Test(cgroup, version_2)
{
	put("/proc/self/cgroup", "0::/system.slice/wsmd.service\n");
	cr_expect_eq(cgroup_memory_bytes(root), NONE, "no file");
	put("/sys/fs/cgroup/system.slice/wsmd.service/memory.max", "max\n");
	cr_expect_eq(cgroup_memory_bytes(root), NONE);
	put("/sys/fs/cgroup/system.slice/wsmd.service/memory.max", "268435456\n");
	cr_expect_eq(cgroup_memory_bytes(root), 268435456);
	put("/sys/fs/cgroup/system.slice/memory.max", "134217728\n");
	cr_expect_eq(cgroup_memory_bytes(root), 134217728, "the group around it has less");
	put("/sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
	cr_expect_eq(cgroup_memory_bytes(root), 268435456, "and now more");
}

/* In a container the group looks like the top, and its file is there. */
Test(cgroup, version_2_in_a_container)
{
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/memory.max", "67108864\n");
	cr_expect_eq(cgroup_memory_bytes(root), 67108864);
}

Test(cgroup, version_1)
{
	put("/proc/self/cgroup",
	    "12:pids:/a\n4:cpu,memory:/docker/abc\n1:name=systemd:/a\n0::/a\n");
	put("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
	cr_expect_eq(cgroup_memory_bytes(root), NONE, "as the kernel writes it");
	put("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "536870912\n");
	cr_expect_eq(cgroup_memory_bytes(root), 536870912);
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1048576\n");
	cr_expect_eq(cgroup_memory_bytes(root), 1048576);
}

Test(cgroup, a_controller_that_is_only_called_alike)
{
	put("/proc/self/cgroup", "4:memoryless:/a\n5:xmemory:/a\n");
	put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576\n");
	cr_expect_eq(cgroup_memory_bytes(root), NONE);
}

Test(cgroup, nonsense_is_no_limit)
{
	static const char *const lines[] = {
		"",          "\n",        "::", "0:", "0::", ":memory", "0::/../../..\n",
		"4:memory:", "\xff\xff\n"};
	static const char *const values[] = {"", "\n", "-1\n", "many\n",
	                                     "99999999999999999999999999\n"};

	put("/sys/fs/cgroup/a/memory.max", "");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		put("/proc/self/cgroup", lines[i]);
		cr_expect_eq(cgroup_memory_bytes(root), NONE, "%s", lines[i]);
	}
	put("/proc/self/cgroup", "0::/a\n");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		put("/sys/fs/cgroup/a/memory.max", values[i]);
		cr_expect_eq(cgroup_memory_bytes(root), NONE, "%s", values[i]);
	}
}
