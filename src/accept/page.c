/* Contents of pages. */
#include "accept/page.h"

#include <string.h>

#include "accept/test_page.inc" /* static const char test_page[], made by the build */
#include "base/err.h"

static int make_metrics(struct stats_cell *snapshot, struct page_body *ret)
{
	struct stats_snapshot *now = malloc(sizeof(*now));
	FILE *out = NULL;
	int err = WSMD_ENOMEM;

	if (now == NULL)
		return err;
	if (!stats_cell_read(snapshot, now)) {
		*ret = (struct page_body){503, "text/plain", "No statistics yet.\n", 19, NULL};
		err = 0;
		goto done;
	}
	out = open_memstream(&ret->owned, &ret->len);
	if (out == NULL)
		goto done;
	stats_print_prometheus(now, out);
	if (fclose(out) != 0) {
		free(ret->owned);
		goto done;
	}
	ret->status = 200;
	ret->content_type = "text/plain; version=0.0.4; charset=utf-8";
	ret->text = ret->owned;
	err = 0;
done:
	free(now);
	return err;
}

int page_make(enum page page, const char *not_ready, struct stats_cell *snapshot,
              struct page_body *ret)
{
	*ret = (struct page_body){.status = 200, .content_type = "text/plain; charset=utf-8"};
	switch (page) {
	case PAGE_HEALTHZ:
		ret->text = "ok\n";
		ret->len = 3;
		break;
	case PAGE_READYZ:
		ret->status = not_ready != NULL ? 503 : 200;
		ret->text = not_ready != NULL ? not_ready : "ready\n";
		ret->len = strlen(ret->text);
		break;
	case PAGE_METRICS:
		return make_metrics(snapshot, ret);
	case PAGE_TEST:
		ret->content_type = "text/html; charset=utf-8";
		ret->text = test_page;
		ret->len = sizeof(test_page);
		break;
	}
	return 0;
}
