/*
 * A picture on the terminal that is painted again and again, and the keys pressed meanwhile.
 * Plain ANSI: all that is needed is the cursor's home and the end of a line.
 *
 * However the program ends, by SIGINT, SIGTERM or SIGHUP too, the terminal is left as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct terminal_size {
	size_t rows, columns;
};

#define TERMINAL_NO_KEY  (-1) /* time is up */
#define TERMINAL_RESIZED (-2)

/* @picture: take over the screen and the keyboard; else only the signals. */
void terminal_open(bool picture);
void terminal_close(void);
bool terminal_shows_picture(void);

/* 80 columns and 24 rows when nobody knows. */
struct terminal_size terminal_size(void);

/* Over the last picture, line by line, so that nothing flickers; what is too tall is left out.
 * @text is changed. */
void terminal_paint(char *text, struct terminal_size size);

/* The next key, or TERMINAL_*. Blocks until @deadline_s at most. */
int terminal_key(double deadline_s);

double terminal_now_s(void); /* monotonic */
