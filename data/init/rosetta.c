// SPDX-License-Identifier: Apache-2.0
/*
 * Programs of x86_64 by Rosetta, when the host shares it at /run/rosetta: registered with
 * binfmt_misc, its daemon started, and one program run, so that the work of its first use
 * is inside the snapshot.
 */
#include "init.h"

static const char INTERPRETER[] = "/run/rosetta/rosetta";
static const char DAEMON[] = "/run/rosetta/rosettad";
static const char CACHE[] = "/var/cache/rosettad";
enum { FIRST_RUN_MILLISECONDS = 5000 };

// clang-format off
static const char RULE[] = ":amd64:M::"
	"\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
	"\\x02\\x00\\x3e\\x00:"
	"\\xff\\xff\\xff\\xff\\xff\\xfe\\xfe\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff"
	"\\xfe\\xff\\xff\\xff:"
	"/run/rosetta/rosetta:OCF";

/* A static ELF of x86_64 that does exit(0): header, one PT_LOAD, "mov $60,%al; xor %edi,%edi;
   syscall". The kernel starts programs with %rax = 0. */
static const unsigned char AMD64_EXIT[] = {
	0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0,
	64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,
	1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,
	126, 0, 0, 0, 0, 0, 0, 0, 126, 0, 0, 0, 0, 0, 0, 0,
	0, 0x10, 0, 0, 0, 0, 0, 0, 0xb0, 60, 0x31, 0xff, 0x0f, 0x05,
};
// clang-format on

static int register_rule(void)
{
	int error = 0;
	if (access("/proc/sys/fs/binfmt_misc/register", F_OK) &&
		mount("binfmt_misc", "/proc/sys/fs/binfmt_misc", "binfmt_misc", 0, NULL))
		error = -errno;
	return error ? error : write_existing("/proc/sys/fs/binfmt_misc/register", RULE);
}

static pid_t start(char **argv, const struct environment *e)
{
	pid_t pid = fork_child();
	if (!pid)
		_exit(execute(argv, e->list.items) == -ENOENT ? STATUS_NOT_FOUND
							      : STATUS_NOT_EXECUTABLE);
	if (pid < 0)
		complain(-pid, argv[0]);
	return pid;
}

static void run_once(const struct environment *e)
{
	char *argv[] = {"/run/rosettad/first-run", NULL};
	struct span program = {(const char *)AMD64_EXIT, sizeof(AMD64_EXIT)};
	int error = replace_file(argv[0], program, 0755);
	if (error) {
		complain(-error, argv[0]);
		return;
	}
	pid_t pid = start(argv, e);
	if (pid > 0 &&
		!wait_child(pid, -1, milliseconds() + FIRST_RUN_MILLISECONDS, NULL)) {
		say("rosetta: no end of the first program");
		kill(pid, SIGKILL);
	}
	unlink(argv[0]);
}

/* The container's environment comes later and stays as it is. */
void start_rosetta(void)
{
	struct environment e = {0};
	char *argv[] = {(char *)DAEMON, "daemon", (char *)CACHE, NULL};
	if (access(INTERPRETER, F_OK))
		return;
	int error = register_rule();
	if (!error)
		error = make_directory(CACHE);
	if (!error)
		error = make_directory("/run/rosettad");
	if (error) {
		complain(-error, "rosetta");
		return;
	}
	environment_default(&e, "HOME", "/root");
	start(argv, &e);
	run_once(&e);
	environment_free(&e);
}
