// SPDX-License-Identifier: Apache-2.0
/* What programs do with files, in the directory argv[1]: "ok NAME" or "not ok NAME: reason" for each thing. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BIG (8 << 20)
#define FILES 1500

#define want(condition) do { if (!(condition)) return #condition; } while (0)

static char block[BIG];

static int put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	return close(fd) || n != (ssize_t)strlen(text);
}

static int holds(const char *name, const char *text)
{
	char buffer[100] = "";
	int fd = open(name, O_RDONLY);

	if (fd < 0 || read(fd, buffer, sizeof(buffer) - 1) < 0)
		return 0;
	close(fd);
	return !strcmp(buffer, text);
}

static const char *names(void)
{
	want(!put("old", "old") && !put("new", "new"));
	want(!rename("new", "old") && holds("old", "new") && access("new", F_OK) && errno == ENOENT);
	want(!put("other", "other") && !renameat2(AT_FDCWD, "old", AT_FDCWD, "other", RENAME_EXCHANGE));
	want(holds("other", "new") && holds("old", "other"));
	want(renameat2(AT_FDCWD, "old", AT_FDCWD, "other", RENAME_NOREPLACE) && errno == EEXIST);
	want(!mkdir("directory", 0755) && !rename("old", "directory/old") && rmdir("directory") && errno == ENOTEMPTY);
	want(!rename("directory", "moved") && holds("moved/old", "other"));
	return NULL;
}

static const char *links(void)
{
	char target[20] = "";
	struct stat a, b;

	want(!put("file", "linked") && !link("file", "hard") && !symlink("file", "soft"));
	want(!stat("file", &a) && !stat("hard", &b) && a.st_ino == b.st_ino && b.st_nlink == 2);
	want(readlink("soft", target, sizeof(target)) == 4 && !strcmp(target, "file") && holds("soft", "linked"));
	return NULL;
}

static const char *removed(void)
{
	char byte;
	int fd = open("removed", O_RDWR | O_CREAT, 0600);

	want(fd >= 0 && !unlink("removed") && write(fd, "x", 1) == 1);
	want(pread(fd, &byte, 1, 0) == 1 && byte == 'x' && !close(fd));
	return NULL;
}

static const char *attributes(void)
{
	struct timespec times[2] = {{1000, 0}, {2000, 5}};
	struct stat status;

	want(!put("attributes", "") && !chmod("attributes", 0751) && !chown("attributes", 12, 34));
	want(!utimensat(AT_FDCWD, "attributes", times, 0) && !truncate("attributes", 12345));
	want(!utimensat(AT_FDCWD, "attributes", times, 0) && !stat("attributes", &status));
	want((status.st_mode & 07777) == 0751 && status.st_uid == 12 && status.st_gid == 34);
	want(status.st_size == 12345 && status.st_mtim.tv_sec == 2000 && status.st_mtim.tv_nsec == 5);
	return NULL;
}

static const char *extended(void)
{
	char value[10] = "", list[100];
	ssize_t n;

	want(!setxattr("attributes", "user.colour", "green", 5, XATTR_CREATE));
	want(getxattr("attributes", "user.colour", value, sizeof(value)) == 5 && !memcmp(value, "green", 5));
	n = listxattr("attributes", list, sizeof(list));
	want(n > 0 && memmem(list, n, "user.colour", 12));
	want(getxattr("attributes", "user.none", value, sizeof(value)) < 0 && errno == ENODATA);
	return NULL;
}

static const char *big(void)
{
	int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);

	for (int i = 0; i < BIG; i++)
		block[i] = i % 251;
	want(fd >= 0);
	for (int i = 0; i < 4; i++)
		want(write(fd, block, BIG) == BIG);
	want(!fsync(fd) && pwrite(fd, "hole", 4, 1LL << 33) == 4 && !ftruncate(fd, 4LL * BIG));
	want(!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, BIG) && !close(fd));
	return NULL;
}

static const char *mapped(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT, 0644), from = open("big", O_RDONLY);
	char *source, *map;

	want(fd >= 0 && from >= 0 && !ftruncate(fd, BIG));
	source = mmap(NULL, BIG, PROT_READ, MAP_PRIVATE, from, BIG);
	map = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	want(source != MAP_FAILED && map != MAP_FAILED && !memcmp(source, block, BIG));
	memcpy(map, source, BIG);
	want(!msync(map, BIG, MS_SYNC) && pread(fd, block, BIG, 0) == BIG && !memcmp(source, block, BIG));
	want(!munmap(map, BIG) && !munmap(source, BIG) && !close(fd) && !close(from));
	return NULL;
}

static const char *many(void)
{
	struct dirent *entry;
	char name[20];
	int n = 0;
	DIR *dir;

	want(!mkdir("many", 0755) && !chdir("many"));
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		want(!put(name, name));
	}
	want((dir = opendir(".")));
	while ((entry = readdir(dir)))
		n += entry->d_type == DT_REG;
	want(n == FILES && !closedir(dir) && !chdir(".."));
	return NULL;
}

static const char *space(void)
{
	struct statvfs status;

	want(!statvfs(".", &status) && status.f_blocks && status.f_bfree && status.f_namemax == 255);
	return NULL;
}

static const struct {
	const char *name;
	const char *(*run)(void);
} table[] = {
	{"rename, exchange, no replacement", names},
	{"hard and symbolic links", links},
	{"a removed file stays open", removed},
	{"mode, owner, times, size", attributes},
	{"extended attributes", extended},
	{"32 MiB written, 8 GiB away, cut", big},
	{"mapped, private and shared", mapped},
	{"1500 files in a directory", many},
	{"free space", space},
};

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1])) {
		printf("not ok directory: %s\n", strerror(errno));
		return 1;
	}
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *failed;

		errno = 0;
		failed = table[i].run();
		if (failed)
			printf("not ok %s: %s: %s\n", table[i].name, failed, strerror(errno));
		else
			printf("ok %s\n", table[i].name);
	}
	return 0;
}
