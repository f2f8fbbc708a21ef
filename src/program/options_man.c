/* The manual page of wsmd, from the table of its options. */
#include "program/options.h"

/* A hyphen that is typed, not a dash. */
static void print_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		fprintf(out, *text == '-' ? "\\-" : "%c", *text);
}

static void print_options(FILE *out)
{
	fputs(".SH OPTIONS\n", out);
	for (size_t i = 0; i < option_n_rows; i++) {
		fputs(".TP\n.B \\-\\-", out);
		print_text(out, option_rows[i].name);
		if (option_rows[i].argument != NULL)
			fprintf(out, " \\fI%s\\fR", option_rows[i].argument);
		fputc('\n', out);
		print_text(out, option_rows[i].help);
		fputc('\n', out);
	}
}

void options_print_man(FILE *out)
{
	fputs(".\\\" Printed from src/program/options.c; the test \"docs\" says when it is stale.\n"
	      ".TH WSMD 8 \"\" wsmd \"wsmd manual\"\n"
	      ".SH NAME\nwsmd \\- keep users' WebSockets and let back ends send to them\n"
	      ".SH SYNOPSIS\n.B wsmd \\-\\-dev\n[\\fIOPTION\\fR ...]\n.br\n"
	      ".B wsmd \\-\\-config \\fIFILE\\fR\n[\\fIOPTION\\fR ...]\n.br\n"
	      ".B wsmd \\-\\-check \\fIFILE\\fR\n"
	      ".SH DESCRIPTION\n"
	      "Accepts WebSockets on /client/hubs/HUB and /ws (hub \"default\"), finds out whose "
	      "they are, keeps them alive, and delivers what\n.BR wsmctl (1)\nor a back end sends "
	      "to a user. Answers /healthz, /readyz and /metrics over HTTP on the same port. Logs "
	      "to standard error and stays in the foreground.\n",
	      out);
	print_options(out);
	fputs(".SH SIGNALS\n"
	      ".TP\n.B TERM, INT\nStop: close everybody with 1001, within shutdown.deadline_s. A "
	      "second one cuts off whoever is still there and ends in order; a third one ends at "
	      "once, whatever hangs.\n"
	      ".TP\n.B HUP\nRead the configuration again and log for each changed key whether it "
	      "was applied or needs a restart. A configuration with faults changes nothing.\n"
	      ".SH EXIT STATUS\n"
	      ".TP\n.B 0\nstopped, and everybody was seen off\n"
	      ".TP\n.B 1\ncould not start: configuration, address, control socket, limits\n"
	      ".TP\n.B 2\nwrong command line\n"
	      ".TP\n.B 3\nstopped, but connections were cut at the deadline, or by a second or "
	      "third signal\n"
	      ".SH ENVIRONMENT\n"
	      ".TP\n.B WSMD_ENV, ENVIRONMENT\nthe environment when \\-\\-env is not given\n"
	      ".TP\n.B WSMD_CONTROL, XDG_RUNTIME_DIR\nwhere the control socket is when "
	      "control.path is not set\n"
	      ".SH SEE ALSO\n.BR wsmctl (1)\n",
	      out);
}
