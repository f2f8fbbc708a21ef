/* How the kernel schedules a thread. */

#include <criterion/criterion.h>

#include <sched.h>

#include "os/os.h"

static void *tell(void *arg)
{
	int *const policy = arg;

	os_thread_be_patient();
	*policy = sched_getscheduler(0);
	return NULL;
}

static int policy_of_a_patient_thread(void)
{
	struct os_thread t;
	int policy = -1;

	cr_assert_eq(os_thread_start(&t, "patient", tell, &policy), 0);
	os_thread_join(&t);
	return policy;
}

Test(thread, that_is_patient_does_not_preempt)
{
	cr_expect_eq(policy_of_a_patient_thread(), SCHED_BATCH);
	cr_expect_eq(sched_getscheduler(0), SCHED_OTHER, "only that thread");
}

Test(thread, has_the_policy_that_the_operator_chose)
{
	const struct sched_param none = {0};

	cr_assert_eq(sched_setscheduler(0, SCHED_IDLE, &none), 0);
	cr_expect_eq(policy_of_a_patient_thread(), SCHED_IDLE);
}
