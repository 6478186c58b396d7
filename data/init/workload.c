// SPDX-License-Identifier: Apache-2.0
/* The container's main process: what it is, as whom and where it runs. */
#include "init.h"

enum { SETTLE_MILLISECONDS = 250 };

/* Elements end with SEPARATOR; the last one may lack it. The list points into FILE. */
int split_arguments(struct text *file, char separator, struct list *ret)
{
	struct span rest = text_span(file), item;
	if (!span_trim_end(rest, " \t\r\n").len)
		return 0;
	if (separator && memchr(rest.at, 0, rest.len))
		return -EINVAL;
	if (rest.at[rest.len - 1] == separator)
		rest.len--;
	while (span_cut(&rest, separator, &item)) {
		file->data[item.at + item.len - file->data] = 0;
		list_add(ret, file->data + (item.at - file->data));
	}
	return *ret->items[0] ? 0 : -EINVAL;
}

static int read_arguments(struct list *ret)
{
	static const char by_nul[] = "/.supermachine-argv",
			  by_line[] = "/.supermachine-cmd";
	static struct text file; /* RET points into it */
	const char *path = by_nul;
	int error = read_file(path, &file);
	if (error == -ENOENT) {
		path = by_line;
		error = read_file(path, &file);
	}
	bool missing = error == -ENOENT;
	if (!error)
		error = split_arguments(&file, path == by_nul ? 0 : '\n', ret);
	if (error && !missing) {
		complain(-error, path);
		return error;
	}
	if (!ret->count) {
		say(path, missing ? ": missing" : ": empty", ", starting /bin/sh");
		list_add(ret, "/bin/sh");
	}
	return 0;
}

/* The first NUL or line end does not belong to a path of one line. */
static void enter_workdir(void)
{
	struct text file = {0};
	int error = read_file("/.supermachine-workdir", &file);
	if (error == -ENOENT)
		return;
	struct span path = span_trim_end(text_span(&file), "\r\n");
	if (!error && (memchr(path.at, 0, path.len) || (path.len && *path.at != '/')))
		error = -EINVAL;
	char *name = span_copy(path);
	if (!error && path.len)
		error = make_directory(name);
	if (!error && path.len && chdir(name))
		error = -errno;
	if (error)
		complain(-error, "working directory ", name);
	free(name);
	text_free(&file);
}

static int read_optional(const char *path, struct text *ret)
{
	int error = read_file(path, ret);
	if (error && error != -ENOENT)
		complain(-error, path);
	return error == -ENOENT ? 0 : error;
}

/* Plain system calls: the C library's would first ask threads that do not exist. */
static int take_ids(const struct account *a)
{
	if (syscall(SYS_setgroups, a->group_count, a->groups) ||
		syscall(SYS_setgid, a->gid) || syscall(SYS_setuid, a->uid))
		return -errno;
	return 0;
}

/* Else the user could write to its descriptors, but not open /dev/stdout. */
static void give_console(uid_t uid)
{
	for (int fd = 0; fd < 3; fd++)
		if (fchown(fd, uid, (gid_t)-1))
			complain(errno, "owner of the console");
}

/* Returns the home directory; whoever cannot become the user does not run at all. */
static char *become_user(bool on_console)
{
	struct text spec = {0}, passwd = {0}, group = {0};
	struct account account;
	const char *problem;
	if (read_optional("/.supermachine-user", &spec) ||
		read_optional("/etc/passwd", &passwd) ||
		read_optional("/etc/group", &group))
		_exit(STATUS_NOT_EXECUTABLE);
	struct span user = span_trim_end(text_span(&spec), " \t\r\n");
	if (find_account(
		    user, text_span(&passwd), text_span(&group), &account, &problem)) {
		say(problem, span_copy(user));
		_exit(STATUS_NOT_EXECUTABLE);
	}
	if (on_console && account.uid)
		give_console(account.uid);
	int error = take_ids(&account);
	if (error) {
		complain(-error, "become user ", span_copy(user));
		_exit(STATUS_NOT_EXECUTABLE);
	}
	return account.home;
}

static bool wants_console(const struct environment *e)
{
	static const char *const yes[] = {"1", "true", "yes", "on", "console", "inherit"};
	const char *value = environment_get(e, "SUPERMACHINE_GUEST_STDIO");
	for (int i = 0; i < 6 && value; i++)
		if (!strcmp(value, yes[i]))
			return true;
	return false;
}

static void silence(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		complain(errno, "/dev/null");
}

/* One place of the search path; -ENOENT also when a directory on the way cannot be
 * entered. */
static int execute_at(struct span dir, char **argv, char **envp)
{
	char *base = span_copy(dir);
	char *slash = dir.len ? join(base, "/") : join("", "");
	char *path = join(slash, argv[0]);
	execve(path, argv, envp);
	int error = -errno;
	if ((error == -EACCES && access(path, F_OK)) || error == -ENOTDIR)
		error = -ENOENT;
	free(path);
	free(slash);
	free(base);
	return error;
}

/* Like execvpe(3), but never falls back to a shell. Returns the reason. */
int execute(char **argv, char **envp)
{
	struct span rest = span_of(DEFAULT_PATH), dir;
	int result = -ENOENT;
	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, envp);
		return -errno;
	}
	for (char **e = envp; e && *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			rest = span_of(*e + 5);
	while (span_cut(&rest, ':', &dir)) {
		int error = execute_at(dir, argv, envp);
		if (error != -ENOENT && error != -EACCES)
			return error;
		if (error == -EACCES)
			result = error;
	}
	return result;
}

_Noreturn static void become_workload(
	char **argv, struct environment *e, const char *hostname)
{
	static const char pid_file[] = "/run/supermachine-workload.pid";
	char pid[16];
	stpcpy(stpcpy(pid, decimal(getpid())), "\n");
	int error = replace_file(pid_file, span_of(pid), 0644);
	if (error)
		complain(-error, pid_file);
	setpgid(0, 0);
	enter_workdir();
	bool on_console = wants_console(e);
	environment_default(e, "HOME", become_user(on_console));
	environment_default(e, "PATH", DEFAULT_PATH);
	environment_default(e, "HOSTNAME", hostname);
	if (!on_console)
		silence();
	error = execute(argv, e->list.items);
	complain(-error, "child execvp(", argv[0], ")");
	_exit(error == -ENOENT || error == -ENOTDIR ? STATUS_NOT_FOUND
						    : STATUS_NOT_EXECUTABLE);
}

/* Arguments may hold secrets: only the program is shown. */
static void announce(const struct list *argv)
{
	struct text line = {0};
	bool all = parameter_present("supermachine.debug=1");
	for (size_t i = 0; i < (all ? argv->count : 1); i++) {
		text_adds(&line, i ? " " : "");
		text_adds(&line, argv->items[i]);
	}
	say("exec ", line.data);
	text_free(&line);
	say("workload-pre-exec");
}

_Noreturn void run_workload(struct environment *e, const char *hostname)
{
	struct list argv = {0};
	if (read_arguments(&argv))
		supervise(0, STATUS_NOT_STARTED);
	announce(&argv);
	if (pause_wanted(&before_exec))
		pause_for_host(&before_exec);
	else
		poll(NULL, 0, SETTLE_MILLISECONDS);
	pid_t pid = fork_child();
	if (!pid)
		become_workload(argv.items, e, hostname);
	if (pid < 0)
		complain(-pid, "start the workload");
	environment_free(e);
	supervise(pid, STATUS_NOT_STARTED);
}
