/* `wsmctl help`, for the terminal and for man(1). */
#include "wsmctl/help.h"

#include <stdio.h>
#include <string.h>

#include <wsmd/ctl.h>

#include "base/macros.h"
#include "wsmctl/report.h"
#include "wsmctl/words.h"

static const struct {
	enum wsmd_ctl_exit code;
	const char *text;
} exits[] = {
	{WSMD_CTL_OK, "done"},
	{WSMD_CTL_FAILED, "wsmd refused or failed the command"},
	{WSMD_CTL_USAGE, "the command line is wrong; nothing was sent"},
	{WSMD_CTL_NO_DAEMON, "no wsmd answers on the control socket, or it went away"},
	{WSMD_CTL_NO_TARGET, "no such user or connection; for send only with --must-deliver"},
};

static const char where[] =
	"Without --control the socket is $WSMD_CONTROL, $XDG_RUNTIME_DIR/wsmd/control.sock,\n"
	"/run/wsmd/control.sock for root, or /tmp/wsmd-UID/control.sock: the first whose\n"
	"variable is set, or which applies. wsmd itself follows the same rule.";

static void print_options(unsigned options)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_rows[id];
		char left[32];

		if ((options & OPTION_BIT(id)) == 0)
			continue;
		snprintf(left, sizeof(left),
		         row->kind == VALUE_SECONDS_OPTIONAL ? "%s [%s]" : "%s %s", row->name,
		         row->value != NULL ? row->value : "");
		printf("  %-20s %s\n", left, row->help);
	}
}

static void print_overview(void)
{
	puts("usage: wsmctl [OPTION ...] COMMAND [WORD ...]\n\nCommands:");
	for (size_t i = 0; i < n_commands; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	puts("\nOptions, before or behind the command:");
	print_options(OPTIONS_COMMON);
	puts("\nExit codes:");
	for (size_t i = 0; i < ARRAY_LEN(exits); i++)
		printf("  %d  %s\n", exits[i].code, exits[i].text);
	printf("\n%s\n\n`wsmctl help COMMAND` tells more.\n", where);
}

void help_print(const struct command *command)
{
	if (command == NULL) {
		print_overview();
		return;
	}
	printf("usage: wsmctl %s%s%s\n\n%s: %s\n", command->name,
	       *command->usage != '\0' ? " " : "", command->usage, command->name, command->summary);
	if (command->details != NULL)
		printf("\n%s\n", command->details);
	puts("\nOptions:");
	print_options(command->options);
	print_options(OPTIONS_COMMON);
}

/* Text for roff: nothing in it is a request, and a dash is a dash one can copy. */
static void roff_text(const char *text)
{
	for (bool line_start = true; *text != '\0'; line_start = *text++ == '\n') {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void roff_options(unsigned options)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = &option_rows[id];
		const bool optional = row->kind == VALUE_SECONDS_OPTIONAL;

		if ((options & OPTION_BIT(id)) == 0)
			continue;
		fputs(".TP\n\\fB", stdout);
		roff_text(row->name);
		fputs("\\fR", stdout);
		if (row->value != NULL)
			printf(optional ? " [\\fI%s\\fR]" : " \\fI%s\\fR", row->value);
		putchar('\n');
		roff_text(row->help);
		putchar('\n');
	}
}

static void roff_command(const struct command *command)
{
	printf(".SS %s\n.B wsmctl %s\n", command->name, command->name);
	if (*command->usage != '\0') {
		roff_text(command->usage);
		putchar('\n');
	}
	puts(".PP");
	putchar(command->summary[0] - 'a' + 'A');
	roff_text(command->summary + 1);
	puts(".");
	if (command->details != NULL) {
		roff_text(command->details);
		putchar('\n');
	}
	roff_options(command->options);
}

static void roff_manual(void)
{
	puts(".\\\" made by `wsmctl help --man`\n"
	     ".TH WSMCTL 1 \"\" wsmd \"wsmd manual\"\n"
	     ".SH NAME\nwsmctl \\- look at a running wsmd and direct it\n"
	     ".SH SYNOPSIS\n.B wsmctl\n[\\fIOPTION\\fR ...] \\fICOMMAND\\fR [\\fIWORD\\fR ...]\n"
	     ".SH DESCRIPTION\n"
	     "Speaks to the control socket of\n.BR wsmd (8),\n"
	     "which listens to the user it runs as and to root.");
	roff_text(where);
	puts("\n.SH OPTIONS\nOptions may stand before or behind the command.");
	roff_options(OPTIONS_COMMON);
	puts(".SH COMMANDS");
	for (size_t i = 0; i < n_commands; i++)
		roff_command(&commands[i]);
	puts(".SH EXIT STATUS");
	for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
		printf(".TP\n.B %d\n", exits[i].code);
		roff_text(exits[i].text);
		putchar('\n');
	}
	puts(".SH SEE ALSO\n.BR wsmd (8)");
}

int help_run(struct invocation *in)
{
	const struct command *command = NULL;

	if (in->option[OPTION_MAN] != NULL) {
		roff_manual();
		return WSMD_CTL_OK;
	}
	if (in->n_args > 0) {
		command = command_find(in->args[0]);
		if (command == NULL)
			return words_no_command(in, in->args[0]);
	}
	help_print(command);
	return WSMD_CTL_OK;
}
