/* Modes of the terminal, its size, and a picture that does not flicker. */
#include "wsmctl/terminal.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <wsmd/ctl.h>

#include "base/macros.h"
#include "wsmctl/printable.h"

#define CURSOR_HIDE  "\033[?25l"
#define CURSOR_SHOW  "\033[?25h"
#define SCREEN_CLEAR "\033[2J"
#define HOME         "\033[H"
#define LINE_END     "\033[K"
#define SCREEN_END   "\033[J"

/* What a signal handler needs to leave the terminal as it was. */
static struct {
	struct termios was;
	bool keys;    /* stdin is set to single keys */
	bool picture; /* stdout shows a picture, without a cursor */
} terminal;

static volatile sig_atomic_t resized;

void terminal_close(void)
{
	if (terminal.keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.was);
	if (terminal.picture)
		(void)!write(STDOUT_FILENO, CURSOR_SHOW, strlen(CURSOR_SHOW));
	terminal.keys = terminal.picture = false;
}

static void on_signal(int signo)
{
	(void)signo;
	/* To be stopped is how watching ends, so it is no failure. */
	terminal_close();
	_exit(WSMD_CTL_OK);
}

static void on_resize(int signo)
{
	(void)signo;
	resized = 1;
}

void terminal_open(bool picture)
{
	struct sigaction action = {.sa_handler = on_signal}, resize = {.sa_handler = on_resize};
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct termios keys;

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
	if (!picture)
		return;
	resize.sa_flags = SA_RESTART; /* but poll() is interrupted all the same */
	sigaction(SIGWINCH, &resize, NULL);
	terminal.picture = true;
	fputs(CURSOR_HIDE SCREEN_CLEAR, stdout);
	if (tcgetattr(STDIN_FILENO, &terminal.was) != 0)
		return;
	keys = terminal.was;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	terminal.keys = true;
	tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

bool terminal_shows_picture(void)
{
	return terminal.picture;
}

struct terminal_size terminal_size(void)
{
	struct winsize size = {0};

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	return (struct terminal_size){
		.rows = size.ws_row > 3 ? size.ws_row : 24,
		.columns = size.ws_col > 0 ? size.ws_col : 80,
	};
}

void terminal_paint(char *text, struct terminal_size size)
{
	char *line = text;

	fputs(HOME, stdout);
	for (size_t row = 1; *line != '\0'; row++) {
		const size_t bytes = strcspn(line, "\n");
		const bool last = line[bytes] == '\0' || line[bytes + 1] == '\0';
		size_t width, shown;

		if (row == size.rows - 1 && !last) {
			printf("(more than fits)" LINE_END "\n");
			break;
		}
		line[bytes] = '\0';
		shown = printable_fit(line, size.columns, &width);
		printf("%.*s" LINE_END "\n", (int)shown, line);
		line += bytes + 1;
		if (last)
			break;
	}
	fputs(SCREEN_END, stdout);
	fflush(stdout);
}

int terminal_key(double deadline_s)
{
	/* A negative descriptor is one that poll() does not look at. */
	struct pollfd keys = {.fd = terminal.keys ? STDIN_FILENO : -1, .events = POLLIN};
	double left_ms;

	while ((left_ms = ceil((deadline_s - terminal_now_s()) * 1e3)) > 0) {
		unsigned char key;

		if (resized) {
			resized = 0;
			return TERMINAL_RESIZED;
		}
		if (poll(&keys, 1, (int)left_ms) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) == 1)
			return key;
		keys.fd = -1;
		terminal.keys = false; /* hung up: there is nothing to restore */
	}
	return TERMINAL_NO_KEY;
}

double terminal_now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
