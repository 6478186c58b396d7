// SPDX-License-Identifier: Apache-2.0
/*
 * Opening, mapping, verifying and describing give the uncompressed bytes and the truth
 * about them.
 */
#include "config.h"

#include <limits.h>

#include "unit.h"

static const char kernel[] = SMKERNEL_GUESTDIR "/kernel";
static const char kernel_xz[] = SMKERNEL_GUESTDIR "/kernel.xz";
static const char init_oci[] = SMKERNEL_GUESTDIR "/init-oci";
static uint8_t xz[2 * KERNEL_SIZE];
static size_t xz_size;

static void check_descriptor(const char *what)
{
	char path[64];
	int fd = smkernel_open(SMKERNEL_KERNEL);

	ok(fd >= 0, "%s: opens", what);
	is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "... close-on-exec");
	is(lseek(fd, 0, SEEK_CUR), 0, "... at offset 0");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ok(holds(path, fake_kernel(), KERNEL_SIZE), "... with the uncompressed bytes");
	is(write(fd, "x", 1), -1, "... and cannot be written");
	close(fd);
}

static void check_map(const char *what)
{
	const void *addr;
	size_t size;

	is(smkernel_map(SMKERNEL_KERNEL, &addr, &size), 0, "%s: maps", what);
	is((long long)size, KERNEL_SIZE, "... whole");
	is(memcmp(addr, fake_kernel(), size), 0, "... the uncompressed bytes");
	is(smkernel_unmap(addr, size), 0, "... and unmaps");
}

static void check_facts(const char *what, enum smkernel_origin origin)
{
	struct smkernel_info info;
	char hex[SMKERNEL_SHA256_SIZE];

	is(smkernel_sha256(SMKERNEL_KERNEL, hex), 0, "%s: hashes", what);
	is_string(hex, SMKERNEL_PAYLOAD_KERNEL_SHA256,
		"... to the digest of the uncompressed bytes");
	is(smkernel_verify(SMKERNEL_KERNEL), 0, "... and verifies");
	is(smkernel_info(SMKERNEL_KERNEL, &info), 0, "... and is described");
	is(info.origin, origin, "... origin");
	is(info.pinned, 1, "... the packaged file");
	is((long long)info.size, KERNEL_SIZE, "... size");
	is_string(info.sha256, SMKERNEL_PAYLOAD_KERNEL_SHA256, "... digest");
	is_string(info.kernel_release, "6.12.0-pinned", "... release");
	is_string(info.snapshot_id, "fake-snapshot-id", "... snapshot id");
	is_string(info.cmdline, "console=ttyAMA0 fake", "... command line");
	is_string(info.arch, "aarch64", "... arch");
	is(info.page_size, 4096, "... page size");
}

static void check_all(const char *what, enum smkernel_origin origin)
{
	check_descriptor(what);
	check_map(what);
	check_facts(what, origin);
}

static void test_override(void)
{
	struct smkernel_info info;
	unsigned char *changed = malloc(KERNEL_SIZE);
	int fd;

	must(changed);
	memcpy(changed, fake_kernel(), KERNEL_SIZE);
	changed[KERNEL_SIZE - 1] ^= 1;
	write_file("changed", changed, KERNEL_SIZE, 0644);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("changed"), 1);
	is(smkernel_verify(SMKERNEL_KERNEL), -EBADMSG, "one bit of an override differs");
	is(smkernel_info(SMKERNEL_KERNEL, &info), 0, "an override is described");
	is(info.origin, SMKERNEL_ORIGIN_ENV_FILE, "... origin");
	is(info.pinned, 0, "... not the packaged file");
	ok(strcmp(info.sha256, SMKERNEL_PAYLOAD_KERNEL_SHA256) != 0,
		"... its own digest");
	is_string(info.kernel_release, "6.12.0-fake", "... its own release");
	is_string(info.snapshot_id, "", "... no snapshot id");
	is_string(info.cmdline, "", "... no command line");
	is((long long)info.size, KERNEL_SIZE, "... size");

	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("empty"), 1);
	write_file("empty", "", 0, 0644);
	const void *addr = "untouched";
	size_t size = 1;

	is(smkernel_map(SMKERNEL_KERNEL, &addr, &size), -ENODATA,
		"an empty file cannot be mapped");
	ok(strcmp(addr, "untouched") == 0 && size == 1, "... and nothing is written");
	fd = smkernel_open(SMKERNEL_KERNEL);
	ok(fd >= 0, "... but opened");
	close(fd);

	write_file("cut.xz", xz, 5, 0644);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("cut.xz"), 1);
	is(smkernel_open(SMKERNEL_KERNEL), -EBADMSG,
		"a .xz cut to five bytes is still a .xz");
	is(smkernel_map(SMKERNEL_KERNEL, &addr, &size), -EBADMSG, "... for map");
	is(smkernel_info(SMKERNEL_KERNEL, &info), -EBADMSG, "... for info");
	is(smkernel_verify(SMKERNEL_KERNEL), -EBADMSG, "... for verify");
	unsetenv("SUPERMACHINE_KERNEL_PATH");
	free(changed);
}

static void test_installed_damage(void)
{
	struct smkernel_info info;

	write_file(init_oci, fake_init_oci(), INIT_OCI_SIZE - 1, 0755);
	is(smkernel_info(SMKERNEL_INIT_OCI, &info), 0,
		"an installed file of another size is described");
	is(info.pinned, 0, "... as not the packaged one");
	is((long long)info.size, INIT_OCI_SIZE - 1, "... by its own size");
	is(smkernel_verify(SMKERNEL_INIT_OCI), -EBADMSG, "... and does not verify");
	write_file(init_oci, fake_init_oci(), INIT_OCI_SIZE, 0755);
	is(smkernel_info(SMKERNEL_INIT_OCI, &info), 0, "init-oci is described");
	is(info.pinned, 1, "... as the packaged file");
	is_string(info.kernel_release, "", "... without release");
	is_string(info.cmdline, "", "... without command line");
	is(smkernel_verify(SMKERNEL_INIT_OCI), 0, "... and verifies");

	write_file(kernel_xz, xz, compress_xz(fake_init_oci(), 1000, 0, xz, sizeof(xz)),
		0644);
	is(smkernel_open(SMKERNEL_KERNEL), -EBADMSG,
		"an installed .xz of another size is refused");
}

static void test_arguments(void)
{
	char hex[SMKERNEL_SHA256_SIZE];
	const enum smkernel_asset none = (enum smkernel_asset)7;
	struct smkernel_info info;
	const void *addr;
	size_t size;

	is(smkernel_open(none), -EINVAL, "open of no asset");
	is(smkernel_map(none, &addr, &size), -EINVAL, "map of no asset");
	is(smkernel_map(SMKERNEL_KERNEL, NULL, &size), -EINVAL, "map to nowhere");
	is(smkernel_map(SMKERNEL_KERNEL, &addr, NULL), -EINVAL, "map without size");
	is(smkernel_unmap((const void *)1, 1), -EINVAL, "unmap of what was not mapped");
	is(smkernel_sha256(none, hex), -EINVAL, "digest of no asset");
	is(smkernel_sha256(SMKERNEL_KERNEL, NULL), -EINVAL, "digest to nowhere");
	is(smkernel_verify(none), -EINVAL, "verify of no asset");
	is(smkernel_info(none, &info), -EINVAL, "info of no asset");
	is(smkernel_info(SMKERNEL_KERNEL, NULL), -EINVAL, "info to nowhere");
	is(smkernel_info(SMKERNEL_KERNEL, &info), -ENOENT, "info of nothing");
	is(smkernel_verify(SMKERNEL_KERNEL), -ENOENT, "verify of nothing");
	is_string(smkernel_version(), PACKAGE_VERSION, "version");
}

int main(void)
{
	scratch();
	must(system("mkdir -p prefix/share/supermachine") == 0);
	test_arguments();
	xz_size = compress_xz(fake_kernel(), KERNEL_SIZE, 64 << 10, xz, sizeof(xz));

	write_file(kernel, fake_kernel(), KERNEL_SIZE, 0444);
	must(chmod(kernel, 0444) == 0);
	check_all("installed", SMKERNEL_ORIGIN_INSTALLED);
	must(unlink(kernel) == 0);
	write_file(kernel_xz, xz, xz_size, 0644);
	check_all("installed compressed", SMKERNEL_ORIGIN_INSTALLED);
	write_file("compressed", xz, xz_size, 0644);
	setenv("SUPERMACHINE_KERNEL_PATH", in_scratch("compressed"), 1);
	check_all("compressed override", SMKERNEL_ORIGIN_ENV_FILE);
	test_override();
	test_installed_damage();
	return done_testing();
}
