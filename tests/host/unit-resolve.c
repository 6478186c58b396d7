// SPDX-License-Identifier: Apache-2.0
/*
 * Resolution takes the first place that holds the file, in the documented order, and
 * stops at the first error. The program copies itself to other places to see what is
 * found beside it.
 */
#include "config.h"

#include <limits.h>
#include <sys/auxv.h>

#include "unit.h"

/* The library asks for AT_SECURE by this function; the test answers. */
static unsigned long secure;

unsigned long getauxval(unsigned long type)
{
	FILE *file = fopen("/proc/self/auxv", "re");
	unsigned long entry[2], value = 0;

	if (type == AT_SECURE)
		return secure;
	must(file);
	while (fread(entry, sizeof(entry), 1, file) == 1)
		if (entry[0] == type)
			value = entry[1];
	fclose(file);
	return value;
}

static void expect(
	const char *what, const char *want_path, enum smkernel_origin want_origin)
{
	enum smkernel_origin origin = SMKERNEL_ORIGIN_ENV_FILE;
	char *path = NULL;

	is(smkernel_path(SMKERNEL_KERNEL, &path, &origin), 0, "%s: resolves", what);
	is_string(path ? path : "", want_path, "... to the file");
	is(origin, want_origin, "... by the rule");
	free(path);
}

/* The error, and the last line of the explanation. */
static void expect_error(const char *what, int error, const char *want_line)
{
	char untouched[] = "untouched", *path = untouched, *text, *line;

	is(smkernel_path(SMKERNEL_KERNEL, &path, NULL), error, "%s: fails", what);
	ok(path == untouched, "... and writes nothing");
	is(smkernel_explain(SMKERNEL_KERNEL, &text), 0, "... explained");
	text[strlen(text) - 1] = '\0';
	line = strrchr(text, '\n');
	is_string(line ? line + 1 : text, want_line, "... by the last line");
	free(text);
}

static void test_file(void)
{
	char long_path[PATH_MAX + 10];

	write_file("other", "K", 1, 0644);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("other"), 1);
	expect("file override", in_scratch("other"), SMKERNEL_ORIGIN_ENV_FILE);
	setenv("SUPERMACHINE_ASSETS_DIR", in_scratch("assets"), 1);
	expect("file override before directory override", in_scratch("other"),
		SMKERNEL_ORIGIN_ENV_FILE);

	setenv("SUPERMACHINE_KERNEL_PATH", "other", 1);
	expect_error("relative file override", -EINVAL,
		"SUPERMACHINE_KERNEL_PATH: other: not an absolute path");
	setenv("SUPERMACHINE_KERNEL_PATH", "/nonexistent/kernel", 1);
	expect_error("missing file override", -ENOENT,
		"SUPERMACHINE_KERNEL_PATH: /nonexistent/kernel: No such file or "
		"directory");
	setenv("SUPERMACHINE_KERNEL_PATH", "/", 1);
	expect_error(
		"a directory", -EISDIR, "SUPERMACHINE_KERNEL_PATH: /: Is a directory");
	must(mkfifo("fifo", 0644) == 0);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("fifo"), 1);
	is(smkernel_open(SMKERNEL_KERNEL), -EINVAL, "a FIFO is refused, not waited for");
	memset(long_path, '/', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	setenv("SUPERMACHINE_KERNEL_PATH", long_path, 1);
	is(smkernel_open(SMKERNEL_KERNEL), -ENAMETOOLONG, "a path too long");

	setenv("SUPERMACHINE_KERNEL_PATH", "", 1);
	expect("empty file override", in_scratch("assets/kernel"),
		SMKERNEL_ORIGIN_ENV_DIR);
	unsetenv("SUPERMACHINE_KERNEL_PATH");
}

static void test_directory(void)
{
	static char long_path[PATH_MAX];

	expect("directory override", in_scratch("assets/kernel"),
		SMKERNEL_ORIGIN_ENV_DIR);
	must(rename("assets/kernel", "assets/kernel.xz") == 0);
	expect("directory override, compressed", in_scratch("assets/kernel.xz"),
		SMKERNEL_ORIGIN_ENV_DIR);
	must(rename("assets/kernel.xz", "assets/kernel") == 0);

	setenv("SUPERMACHINE_ASSETS_DIR", "assets", 1);
	expect_error("relative directory override", -EINVAL,
		"SUPERMACHINE_ASSETS_DIR: assets: not an absolute path");
	setenv("SUPERMACHINE_ASSETS_DIR", "/nonexistent", 1);
	expect_error("directory override without the file", -ENOENT,
		"SUPERMACHINE_ASSETS_DIR: /nonexistent/kernel.xz: No such file or "
		"directory");
	must(mkdir("bad", 0755) == 0 && mkdir("bad/kernel", 0755) == 0);
	setenv("SUPERMACHINE_ASSETS_DIR", in_scratch("bad"), 1);
	is(smkernel_open(SMKERNEL_KERNEL), -EISDIR,
		"a directory in the place of the file");
	must(rmdir("bad/kernel") == 0 && mkdir("bad/kernel.xz", 0755) == 0);
	is(smkernel_open(SMKERNEL_KERNEL), -EISDIR, "... of the compressed file");
	memset(long_path, 'x', sizeof(long_path) - 4);
	long_path[0] = '/';
	setenv("SUPERMACHINE_ASSETS_DIR", long_path, 1);
	is(smkernel_open(SMKERNEL_KERNEL), -ENAMETOOLONG, "a directory name too long");
	setenv("SUPERMACHINE_ASSETS_DIR", "", 1);
}

static void test_secure(const char *installed)
{
	char *text;

	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("other"), 1);
	setenv("SUPERMACHINE_ASSETS_DIR", in_scratch("assets"), 1);
	secure = 1;
	expect("raised privileges", installed, SMKERNEL_ORIGIN_INSTALLED);
	is(smkernel_explain(SMKERNEL_KERNEL, &text), 0, "... explained");
	ok(strstr(text, "SUPERMACHINE_KERNEL_PATH: ") &&
			strstr(text, "raised privileges"),
		"... as the reason");
	free(text);
	secure = 0;
	unsetenv("SUPERMACHINE_KERNEL_PATH");
	unsetenv("SUPERMACHINE_ASSETS_DIR");
}

static bool may_not_read(void)
{
	char *path;

	return smkernel_path(SMKERNEL_KERNEL, &path, NULL) == -EACCES;
}

static void test_unreadable(void)
{
	write_file("secret", "K", 1, 0);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("secret"), 1);
	ok(unprivileged(may_not_read), "an unreadable override is an error");
	unsetenv("SUPERMACHINE_KERNEL_PATH");
}

static void test_arguments(void)
{
	char *path;

	is(smkernel_path((enum smkernel_asset)2, &path, NULL), -EINVAL, "no such asset");
	is(smkernel_path(SMKERNEL_KERNEL, NULL, NULL), -EINVAL,
		"nowhere to put the path");
	is(smkernel_explain((enum smkernel_asset) - 1, &path), -EINVAL,
		"no such asset to explain");
	is(smkernel_explain(SMKERNEL_KERNEL, NULL), -EINVAL, "nowhere to put the text");
}

/*
 * Runs a copy of this program as @program, under a false argv[0]; it prints what it
 * finds.
 */
static void expect_from(const char *program, const char *want)
{
	char command[1024], line[512] = "";
	int pipes[2];
	pid_t child;
	FILE *file;

	snprintf(command, sizeof(command),
		"mkdir -p \"$(dirname %s)\" && cp -f /proc/%d/exe %s", program,
		(int)getpid(), program);
	must(system(command) == 0 && pipe(pipes) == 0);
	child = fork();
	if (child == 0) {
		dup2(pipes[1], 1);
		execl(program, "/wrong/bin/name", "find", (char *)NULL);
		_exit(99);
	}
	close(pipes[1]);
	file = fdopen(pipes[0], "re");
	must(file && fgets(line, sizeof(line), file));
	fclose(file);
	must(waitpid(child, NULL, 0) == child);
	line[strcspn(line, "\n")] = '\0';
	is_string(line, want, "from %s", program + strlen(unit_scratch));
}

static void test_beside(const char *installed)
{
	char want[PATH_MAX + 20];

	must(system("mkdir -p moved/share/supermachine App.app/Contents/Resources") == 0);
	write_file("moved/share/supermachine/kernel", "K", 1, 0644);
	write_file("App.app/Contents/Resources/kernel", "K", 1, 0644);
	snprintf(want, sizeof(want), "%d %s", SMKERNEL_ORIGIN_RELOCATED,
		in_scratch("moved/share/supermachine/kernel"));
	expect_from(in_scratch("moved/bin/program"), want);
	snprintf(want, sizeof(want), "%d %s", SMKERNEL_ORIGIN_BUNDLE,
		in_scratch("App.app/Contents/Resources/kernel"));
	expect_from(in_scratch("App.app/Contents/MacOS/program"), want);
	expect_from(in_scratch("App.app/Contents/Frameworks/program"), want);
	snprintf(want, sizeof(want), "%d %s", SMKERNEL_ORIGIN_INSTALLED, installed);
	expect_from(in_scratch("elsewhere/bin/program"), want);
	must(unlink("moved/share/supermachine/kernel") == 0 &&
		mkdir("moved/share/supermachine/kernel", 0755) == 0);
	expect_from(in_scratch("moved/bin/program"), "Is a directory");
}

static int find(void)
{
	enum smkernel_origin origin;
	char *path = NULL;
	int ret = smkernel_path(SMKERNEL_KERNEL, &path, &origin);

	if (ret < 0)
		puts(strerror(-ret));
	else
		printf("%d %s\n", origin, path);
	free(path);
	return 0;
}

int main(int argc, char **argv)
{
	static const char installed[] = SMKERNEL_GUESTDIR "/kernel";

	if (argc > 1 && strcmp(argv[1], "find") == 0)
		return find();
	scratch();
	must(system("mkdir -p assets prefix/share/supermachine") == 0);
	write_file("assets/kernel", "K", 1, 0644);
	write_file(installed, "K", 1, 0644);
	expect("nothing set", installed, SMKERNEL_ORIGIN_INSTALLED);
	test_arguments();
	test_file();
	test_directory();
	test_secure(installed);
	test_unreadable();
	test_beside(installed);
	must(unlink(installed) == 0);
	expect_error("nothing anywhere", -ENOENT,
		"installed: " SMKERNEL_GUESTDIR "/kernel.xz: No such file or directory");
	return done_testing();
}
