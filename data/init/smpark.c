// SPDX-License-Identifier: Apache-2.0
/* Parking of CPUs for snapshots: built into our kernel, a module of the host's for
   others. The host learns on the console where the state is. */
#include "init.h"

static const char STATE[] = "/sys/kernel/smpark/state_gpa";

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno != ENOENT)
			complain(errno, "load smpark.ko");
		return;
	}
	if (syscall(SYS_finit_module, fd, "", 0))
		complain(errno, "load smpark.ko");
	close(fd);
}

void report_parking(void)
{
	struct text state = {0};
	if (access(STATE, F_OK))
		load_module("/supermachine-smpark.ko");
	int error = read_file(STATE, &state);
	if (error == -ENOENT)
		return;
	if (error) {
		complain(-error, STATE);
		return;
	}
	char *value = span_copy(span_trim_end(text_span(&state), "\n"));
	mark("[SUPERMACHINE-SMPARK] state_gpa=", value);
	free(value);
	text_free(&state);
}
