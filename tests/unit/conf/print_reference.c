/* Prints docs/configuration.md. */
#include "conf/conf.h"

int main(void)
{
	return conf_print_reference(stdout) < 0;
}
