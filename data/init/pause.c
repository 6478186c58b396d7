// SPDX-License-Identifier: Apache-2.0
/* Points where the host may take a snapshot: a line out, one line in, at most 30 s. */
#include "init.h"

const struct pause kernel_cache = {"supermachine.kcache=1", "[SUPERMACHINE-KCACHE] "};
const struct pause before_exec = {
	"supermachine.pre_exec_sync=1", "[SUPERMACHINE-PRE-EXEC] "};

enum { PAUSE_MILLISECONDS = 30000 };

bool pause_wanted(const struct pause *p)
{
	return parameter_present(p->parameter);
}

/* Bytes up to the line feed, or what read(2) and errno said when none came. */
static ssize_t read_answer(char *answer, size_t size, int *ret_error)
{
	long long deadline = milliseconds() + PAUSE_MILLISECONDS;
	size_t len = 0;
	*ret_error = 0;
	while (len < size) {
		struct pollfd in = {0, POLLIN, 0};
		long long left = deadline - milliseconds();
		int ready = left > 0 ? poll(&in, 1, (int)left) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t n = ready > 0 ? read(0, answer + len, 1) : ready;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*ret_error = n < 0 ? errno : ready ? 0 : ETIMEDOUT;
			return n;
		}
		if (answer[len] == '\n')
			return (ssize_t)len;
		len++;
	}
	return (ssize_t)len;
}

void pause_for_host(const struct pause *p)
{
	char answer[64];
	int error;
	mark(p->name, "ready");
	ssize_t n = read_answer(answer, sizeof(answer) - 1, &error);
	if (n > 0) {
		answer[n] = 0;
		mark(p->name, "resumed token=", answer);
	} else {
		mark(p->name, "timeout rn=", decimal(n), " errno=", decimal(error));
	}
	/* A host repeats its line until it sees the answer; none of it is for the
	 * workload. */
	ioctl(0, TCFLSH, TCIFLUSH);
}
