/*
 * A distribution in the text form of HdrHistogram (".hgrm"), which its plotters read.
 *
 * Thread: any.
 */
#pragma once

#include <stdio.h>

#include "stats/histogram.h"

/* @h is of nanoseconds, the file has milliseconds, as its readers expect. Errors stay in @f. */
void hgrm_write(FILE *f, const struct histogram *h);
