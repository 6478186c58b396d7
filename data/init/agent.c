// SPDX-License-Identifier: Apache-2.0
/* The host's exec server: started once, waited for until it says that it listens. */
#include "init.h"

static const char AGENT[] = "/supermachine-agent";
static const char READY[] = "/run/supermachine-agent-ready";
enum { READY_MILLISECONDS = 1000 };

_Noreturn static void run_agent(const struct environment *e)
{
	char *argv[] = {(char *)AGENT, NULL};
	execve(AGENT, argv, e->list.items);
	complain(errno, AGENT);
	_exit(STATUS_NOT_EXECUTABLE);
}

void start_agent(const struct environment *inherited)
{
	struct environment e = {0};
	if (access(AGENT, F_OK)) {
		complain(errno, AGENT);
		return;
	}
	environment_merge(&e, inherited);
	environment_default(&e, "PATH", DEFAULT_PATH);
	long long deadline = milliseconds() + READY_MILLISECONDS;
	int watch = inotify_init1(IN_CLOEXEC);
	if (watch < 0 || inotify_add_watch(watch, "/run", IN_CREATE | IN_MOVED_TO) < 0)
		complain(errno, "watch /run");
	pid_t pid = fork_child();
	if (!pid)
		run_agent(&e);
	if (pid > 0)
		mark("exec-agent: spawned pid=", decimal(pid));
	else
		complain(-pid, AGENT);
	if (pid > 0 && !wait_child(pid, watch, deadline, READY))
		say(AGENT, ": no ", READY);
	if (watch >= 0)
		close(watch);
	environment_free(&e);
}
