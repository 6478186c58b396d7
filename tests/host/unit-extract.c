// SPDX-License-Identifier: Apache-2.0
/*
 * Extraction replaces the destination whole or not at all, with the right mode, and
 * leaves nothing else.
 */
#include "config.h"

#include <dirent.h>
#include <limits.h>

#include "unit.h"

static uint8_t xz[2 * KERNEL_SIZE];

static bool is_kernel(const char *path)
{
	return holds(path, fake_kernel(), KERNEL_SIZE);
}

static int entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	must(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count - 2;
}

static void test_modes(void)
{
	must(mkdir("modes", 0755) == 0);
	is(smkernel_extract_kernel_to("modes/kernel"), 0, "a new kernel");
	ok(is_kernel("modes/kernel"), "... has the bytes");
	is(mode_of("modes/kernel"), 0644, "... and what the umask leaves of 0666");
	umask(077);
	is(smkernel_extract_kernel_to("modes/private"), 0, "under umask 077");
	is(mode_of("modes/private"), 0600, "... it is private");
	is(smkernel_extract_init_oci_to("modes/init-oci"), 0, "init-oci under umask 077");
	ok(holds("modes/init-oci", fake_init_oci(), INIT_OCI_SIZE), "... has the bytes");
	is(mode_of("modes/init-oci"), 0755, "... and mode 0755");
	umask(022);
	write_file("modes/kernel", xz, sizeof(xz), 0640);
	is(smkernel_extract_kernel_to("modes/kernel"), 0, "over a longer kernel");
	ok(is_kernel("modes/kernel"), "... has the bytes and no more");
	is(mode_of("modes/kernel"), 0640, "... and the mode it had");
	write_file("modes/init-oci", "", 0, 0600);
	is(smkernel_extract_init_oci_to("modes/init-oci"), 0, "over another init-oci");
	is(mode_of("modes/init-oci"), 0755, "... mode 0755");
	is(smkernel_extract_kernel_to(in_scratch("modes/absolute")), 0,
		"to an absolute path");
	is(smkernel_extract_kernel_to("bare"), 0, "to a bare name");
	ok(is_kernel("bare"), "... has the bytes");
	is(entries("modes"), 4, "no other file is left");
}

static void test_parents(void)
{
	is(smkernel_extract_kernel_to("no/such/kernel"), -ENOENT, "a missing parent");
	is(access("no", F_OK), -1, "... is not made");
	is(smkernel_extract_kernel_to_with_parents("p/q//r/kernel"), 0,
		"... unless asked for");
	ok(is_kernel("p/q/r/kernel"), "... with the bytes");
	is(mode_of("p/q"), 0755, "... in directories as the umask has them");
	is(smkernel_extract_init_oci_to_with_parents("p/q/r/init-oci"), 0,
		"parents that exist");
	is(smkernel_extract_kernel_to_with_parents("bare2"), 0, "no parent to make");
	is(smkernel_extract_kernel_to_with_parents("bare/x/kernel"), -ENOTDIR,
		"a file among the parents");
	is(smkernel_extract_kernel_to("bare/kernel"), -ENOTDIR, "a file as the parent");
	is(smkernel_extract_kernel_to_with_parents("/proc/no/kernel"), -ENOENT,
		"a parent that cannot be made");
}

static void test_links(void)
{
	char target[16];

	must(mkdir("links", 0755) == 0 && mkdir("links/dir", 0755) == 0);
	write_file("links/dir/file", "old", 3, 0600);
	must(symlink("dir/file", "links/a") == 0 && symlink("a", "links/b") == 0);
	is(smkernel_extract_kernel_to("links/b"), 0, "through two symbolic links");
	ok(is_kernel("links/dir/file"), "... to the file they name");
	is(mode_of("links/dir/file"), 0600, "... which keeps its mode");
	is(readlink("links/b", target, sizeof(target)), 1, "... and the link");
	must(symlink("dir/new", "links/dangling") == 0);
	is(smkernel_extract_kernel_to("links/dangling"), 0, "through a link to nothing");
	ok(is_kernel("links/dir/new"), "... makes what it names");
	must(symlink(in_scratch("links/dir/abs"), "links/absolute") == 0);
	is(smkernel_extract_kernel_to("links/absolute"), 0, "through an absolute link");
	ok(is_kernel("links/dir/abs"), "... makes what it names");
	must(chdir("links") == 0 && symlink("dir/rel", "relative") == 0);
	is(smkernel_extract_kernel_to("relative"), 0, "through a link with a bare name");
	ok(is_kernel("dir/rel"), "... makes what it names");
	must(chdir("..") == 0);
	must(symlink("dir", "links/to-dir") == 0 && symlink("loop", "links/loop") == 0);
	is(smkernel_extract_kernel_to("links/to-dir"), -EISDIR, "a link to a directory");
	is(smkernel_extract_kernel_to("links/loop"), -ELOOP, "a link to itself");
	must(symlink("missing/file", "links/nowhere") == 0);
	is(smkernel_extract_kernel_to("links/nowhere"), -ENOENT,
		"a link into a missing directory");
	is(entries("links/dir"), 4, "no other file is left");
}

/* Links that together are longer than a path may be. */
static void test_long_link(void)
{
	char target[PATH_MAX], name[PATH_MAX];

	memset(name, 0, sizeof(name));
	while (strlen(name) < 2000)
		strcat(name, "./");
	memset(target, 0, sizeof(target));
	while (strlen(target) < PATH_MAX - 110)
		strcat(target, "./");
	strcat(target, "gone");
	must(symlink(target, "long") == 0);
	strcat(name, "long");
	is(smkernel_extract_kernel_to(name), -ENAMETOOLONG, "a link too long to follow");
}

static void test_refused(void)
{
	char name[PATH_MAX + 1];

	is(smkernel_extract(SMKERNEL_KERNEL, NULL, 0), -EINVAL, "no path");
	is(smkernel_extract(SMKERNEL_KERNEL, "x", 2), -EINVAL, "an unknown flag");
	is(smkernel_extract((enum smkernel_asset)2, "x", 0), -EINVAL, "an unknown asset");
	is(smkernel_extract_kernel_to(""), -ENOENT, "an empty path");
	is(smkernel_extract_kernel_to("x/"), -EISDIR, "a slash at the end");
	is(smkernel_extract_kernel_to("."), -EISDIR, "a directory");
	is(smkernel_extract_kernel_to("/"), -EISDIR, "the root directory");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	is(smkernel_extract_kernel_to(name), -ENAMETOOLONG, "a path too long");
	name[300] = '\0';
	is(smkernel_extract_kernel_to(name), -ENAMETOOLONG, "a name too long");
	is(access("x", F_OK), -1, "none makes a file");
}

static bool into_null(void)
{
	return smkernel_extract_kernel_to("/dev/null") == 0;
}

static bool into_full(void)
{
	return smkernel_extract_kernel_to("/dev/full") == -ENOSPC;
}

static void test_devices(void)
{
	struct stat st;
	int fd;

	/* Not as root: a mistake would replace the device. */
	ok(unprivileged(into_null), "/dev/null");
	ok(unprivileged(into_full), "/dev/full");
	must(mkfifo("pipe", 0644) == 0);
	fd = open("pipe", O_RDWR | O_CLOEXEC);
	must(fd >= 0);
	pid_t child = fork();

	if (child == 0) {
		close(fd);
		_exit(smkernel_extract_init_oci_to("pipe") != 0);
	}
	char *found = malloc(INIT_OCI_SIZE);
	size_t done = 0;

	must(found);
	while (done < INIT_OCI_SIZE)
		done += (size_t)read(fd, found + done, INIT_OCI_SIZE - done);
	is(memcmp(found, fake_init_oci(), INIT_OCI_SIZE), 0, "a FIFO gets the bytes");
	must(waitpid(child, NULL, 0) == child);
	ok(stat("pipe", &st) == 0 && S_ISFIFO(st.st_mode), "... and stays");
	free(found);
	close(fd);
}

static bool into_closed_directory(void)
{
	return smkernel_extract_kernel_to("closed/kernel") == -EACCES;
}

static bool into_blind_directory(void)
{
	return smkernel_extract_kernel_to("blind/kernel") == 0 &&
	       is_kernel("blind/kernel");
}

static bool into_unwritable_device(void)
{
	return smkernel_extract_kernel_to("device") == -EACCES;
}

static void test_permissions(void)
{
	must(mkdir("closed", 0755) == 0 && chmod("closed", 0555) == 0);
	ok(unprivileged(into_closed_directory), "a directory without write permission");
	must(mkdir("blind", 0700) == 0 && chmod("blind", 0333) == 0);
	ok(unprivileged(into_blind_directory),
		"a directory without read permission will do");
	must(mkfifo("device", 0) == 0);
	ok(unprivileged(into_unwritable_device), "a FIFO without write permission");
}

static void test_compressed(void)
{
	size_t size = compress_xz(fake_kernel(), KERNEL_SIZE, 64 << 10, xz, sizeof(xz));

	must(mkdir("compressed", 0755) == 0);
	write_file("kernel.xz", xz, size, 0644);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("kernel.xz"), 1);
	is(smkernel_extract_kernel_to("compressed/kernel"), 0, "a compressed kernel");
	ok(is_kernel("compressed/kernel"), "... comes out uncompressed");
	write_file("kernel.xz", xz, size - 1, 0644);
	write_file("compressed/old", "old", 3, 0644);
	is(smkernel_extract_kernel_to("compressed/old"), -EBADMSG, "a truncated one");
	ok(holds("compressed/old", "old", 3), "... leaves the old file");
	is(smkernel_extract_kernel_to("compressed/new"), -EBADMSG, "... or none");
	is(smkernel_extract_kernel_to_with_parents("made/new"), -EBADMSG,
		"... in a new directory");
	is(entries("compressed"), 2, "... and nothing else");
	setenv("SUPERMACHINE_KERNEL_PATH", "/nonexistent", 1);
	is(smkernel_extract_kernel_to_with_parents("unmade/new"), -ENOENT,
		"an asset that is missing");
	is(access("unmade", F_OK), -1, "... makes no parent");
	unsetenv("SUPERMACHINE_KERNEL_PATH");
}

static void test_onto_itself(void)
{
	is(smkernel_extract_kernel_to(in_scratch("assets/kernel")), 0,
		"onto the asset itself");
	ok(is_kernel("assets/kernel"), "... keeps the bytes");
}

int main(void)
{
	scratch();
	must(chmod(".", 0777) == 0);
	must(mkdir("assets", 0755) == 0);
	write_file("assets/kernel", fake_kernel(), KERNEL_SIZE, 0444);
	write_file("assets/init-oci", fake_init_oci(), INIT_OCI_SIZE, 0555);
	setenv("SUPERMACHINE_ASSETS_DIR", in_scratch("assets"), 1);
	test_modes();
	test_parents();
	test_links();
	test_long_link();
	test_refused();
	test_devices();
	test_permissions();
	test_compressed();
	test_onto_itself();
	return done_testing();
}
