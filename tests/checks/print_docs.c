/* Prints a document that is made from the tables of the code: print_docs NAME. */
#include <string.h>

#include "program/options.h"
#include "stats/snapshot.h"

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "man/wsmd.8") == 0)
		options_print_man(stdout);
	else if (argc == 2 && strcmp(argv[1], "statistics.md") == 0)
		stats_print_reference(stdout);
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
