// SPDX-License-Identifier: Apache-2.0
/*
 * Which file an asset is: the environment first, then beside the loaded library, then the
 * directory fixed at build time. A place that holds the file decides, even when the file
 * cannot be used: an error never leads to another kernel than the one asked for.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <link.h>
#include <sys/auxv.h>
#endif

#include "internal.h"

static bool raised_privileges(void)
{
#ifdef __linux__
	return getauxval(AT_SECURE) != 0;
#else
	return issetugid() != 0;
#endif
}

static bool ends_with(const char *string, const char *end)
{
	size_t length = strlen(string), end_length = strlen(end);

	return length >= end_length && strcmp(string + length - end_length, end) == 0;
}

static int format_path(char ret_path[PATH_MAX], const char *directory, const char *file)
{
	int length = snprintf(ret_path, PATH_MAX, "%s/%s", directory, file);

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void trace_line(FILE *trace, const char *place, const char *path, const char *text)
{
	if (trace)
		fprintf(trace, "%s: %s%s%s\n", place, path, *path ? ": " : "", text);
}

/* strerror() is not thread-safe everywhere, and strerror_r() has two forms. */
static const char *error_text(int error, char *buffer, size_t size)
{
#ifdef __GLIBC__
	return strerror_r(error, buffer, size);
#else
	strerror_r(error, buffer, size);
	return buffer;
#endif
}

static void trace_result(FILE *trace, const char *place, const char *path, int error)
{
	char buffer[128] = "";

	trace_line(trace, place, path,
		error < 0 ? error_text(-error, buffer, sizeof(buffer)) : "taken");
}

/*
 * An override may be compressed whatever its name, and a cut .xz is still meant as one.
 */
static int detect_xz(struct source *source)
{
	static const char magic[6] = {'\xfd', '7', 'z', 'X', 'Z', '\0'};
	char start[sizeof(magic)];
	ssize_t count;

	do {
		count = pread(source->fd, start, sizeof(start), 0);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	source->xz =
		(count == sizeof(magic) && memcmp(start, magic, sizeof(magic)) == 0) ||
		ends_with(source->path, ".xz");
	return 0;
}

static int open_regular(struct source *source)
{
	struct stat st;
	int ret;

	/*
	 * O_NONBLOCK: a FIFO put in place of the file must not stop us; regular files
	 * ignore it.
	 */
	source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (source->fd < 0)
		return -errno;
	if (fstat(source->fd, &st) < 0)
		ret = -errno;
	else if (S_ISDIR(st.st_mode))
		ret = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else
		ret = detect_xz(source);
	if (ret < 0)
		close(source->fd);
	else
		source->file_size = (uint64_t)st.st_size;
	return ret;
}

static int look_at(struct source *source, FILE *trace, const char *place)
{
	int ret = open_regular(source);

	trace_result(trace, place, source->path, ret);
	return ret;
}

static bool is_missing(int error)
{
	return error == -ENOENT || error == -ENOTDIR;
}

/* NAME, else NAME.xz as --enable-compressed-payload installs it. */
static int look_in(struct source *source, const struct asset *asset,
	const char *directory, FILE *trace, const char *place)
{
	char name[16];
	int ret, ret_xz;

	ret = format_path(source->path, directory, asset->name);
	if (ret == 0)
		ret = look_at(source, trace, place);
	else
		trace_result(trace, place, directory, ret);
	if (!is_missing(ret))
		return ret;
	snprintf(name, sizeof(name), "%s.xz", asset->name);
	ret_xz = format_path(source->path, directory, name);
	if (ret_xz == 0)
		ret_xz = look_at(source, trace, place);
	return is_missing(ret_xz) ? ret : ret_xz;
}

/* The value of an override, NULL when there is none. */
static const char *override_get(const char *name, FILE *trace)
{
	const char *value = getenv(name);

	if (!value || !*value) {
		trace_line(trace, name, "", value ? "empty, as if not set" : "not set");
		return NULL;
	}
	if (raised_privileges()) {
		trace_line(trace, name, value,
			"ignored, the process runs with raised privileges");
		return NULL;
	}
	return value;
}

static int override_check(const char *name, const char *value, FILE *trace)
{
	if (*value == '/')
		return 0;
	trace_line(trace, name, value, "not an absolute path");
	return -EINVAL;
}

#ifdef __linux__
/* A static program has no dynamic loader to ask. */
static bool is_program(bool found, const Dl_info *info)
{
	const ElfW(Ehdr) *header = info->dli_fbase;

	return !found || (uintptr_t)header + header->e_phoff == getauxval(AT_PHDR);
}
#endif

/*
 * The file that holds this code: the shared library, or the program it is linked into.
 * The program's name comes from the kernel, because dladdr() repeats argv[0], which the
 * caller chooses.
 */
static int own_path(char ret_path[PATH_MAX], bool *ret_program)
{
	Dl_info info;
	bool found = dladdr((const void *)(uintptr_t)own_path, &info) != 0;

	*ret_program = false;
#ifdef __linux__
	if (is_program(found, &info)) {
		ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX);

		if (length < 0 || length >= PATH_MAX)
			return length < 0 ? -errno : -ENAMETOOLONG;
		ret_path[length] = '\0';
		*ret_program = true;
		return 0;
	}
#endif
	/* A relative name counts from a directory that may have changed since. */
	if (!found || *info.dli_fname != '/')
		return -ENOENT;
	if (strlen(info.dli_fname) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(ret_path, info.dli_fname);
	return 0;
}

/* Appends to @path the way from the directory @from to the directory @to, by "..". */
static int append_way(char path[PATH_MAX], const char *from, const char *to)
{
	size_t common = 0, i, length = strlen(path);

	for (i = 0; from[i] && from[i] == to[i]; i++)
		if (from[i] == '/')
			common = i;
	if (!from[i] && to[i] == '/')
		common = i;
	for (from += common; *from; from++) {
		if (from[0] != '/' || !from[1] || from[1] == '/')
			continue;
		if (length + 4 > PATH_MAX)
			return -ENAMETOOLONG;
		strcpy(path + length, "/..");
		length += 3;
	}
	if (length + strlen(to + common) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(path + length, to + common);
	return 0;
}

/*
 * The directory that belongs to the loaded library, -ENOENT when that is where it was
 * built for.
 */
static int beside_library(
	char ret_directory[PATH_MAX], enum smkernel_origin *ret_origin, FILE *trace)
{
	static const char place[] = "beside the library";
	const char *built_for;
	bool program;
	int ret;

	ret = own_path(ret_directory, &program);
	if (ret < 0) {
		trace_line(trace, place, "", "passed over, its own path is not known");
		return ret;
	}
	*strrchr(ret_directory, '/') = '\0';
	if (ends_with(ret_directory, "/Contents/MacOS") ||
		ends_with(ret_directory, "/Contents/Frameworks")) {
		strcpy(strrchr(ret_directory, '/'), "/Resources");
		*ret_origin = SMKERNEL_ORIGIN_BUNDLE;
		return 0;
	}
	built_for = program ? SMKERNEL_BINDIR : SMKERNEL_LIBDIR;
	if (strcmp(ret_directory, built_for) == 0) {
		trace_line(trace, place, ret_directory, "passed over, it has not moved");
		return -ENOENT;
	}
	*ret_origin = SMKERNEL_ORIGIN_RELOCATED;
	return append_way(ret_directory, built_for, SMKERNEL_GUESTDIR);
}

static int resolve(const struct asset *asset, FILE *trace, struct source *source)
{
	static const char assets_dir[] = "SUPERMACHINE_ASSETS_DIR";
	char directory[PATH_MAX];
	const char *value;
	int ret;

	value = override_get(asset->env, trace);
	if (value) {
		source->origin = SMKERNEL_ORIGIN_ENV_FILE;
		ret = override_check(asset->env, value, trace);
		if (ret < 0)
			return ret;
		if (strlen(value) >= PATH_MAX) {
			trace_result(trace, asset->env, value, -ENAMETOOLONG);
			return -ENAMETOOLONG;
		}
		strcpy(source->path, value);
		return look_at(source, trace, asset->env);
	}
	value = override_get(assets_dir, trace);
	if (value) {
		source->origin = SMKERNEL_ORIGIN_ENV_DIR;
		ret = override_check(assets_dir, value, trace);
		return ret < 0 ? ret : look_in(source, asset, value, trace, assets_dir);
	}
	source->pinned_size = asset->size;
	ret = beside_library(directory, &source->origin, trace);
	if (ret == 0)
		ret = look_in(source, asset, directory, trace, "beside the library");
	if (ret == 0 || !is_missing(ret))
		return ret;
	source->origin = SMKERNEL_ORIGIN_INSTALLED;
	return look_in(source, asset, SMKERNEL_GUESTDIR, trace, "installed");
}

int source_open(enum smkernel_asset asset, FILE *trace, struct source *ret_source)
{
	const struct asset *pinned = asset_get(asset);

	if (!pinned)
		return -EINVAL;
	ret_source->pinned_size = 0;
	return resolve(pinned, trace, ret_source);
}

/* A path made with ".." is shown the short way; the file's own name stays. */
static char *show_path(const struct source *source)
{
	char *copy, *directory, *path = NULL;
	char *file;

	if (source->origin != SMKERNEL_ORIGIN_RELOCATED)
		return strdup(source->path);
	copy = strdup(source->path);
	if (!copy)
		return NULL;
	file = strrchr(copy, '/');
	*file++ = '\0';
	directory = realpath(copy, NULL);
	if (directory) {
		size_t size = strlen(directory) + strlen(file) + 2;

		path = malloc(size);
		if (path)
			snprintf(path, size, "%s/%s", directory, file);
	}
	free(directory);
	free(copy);
	return path;
}

int smkernel_path(
	enum smkernel_asset asset, char **ret_path, enum smkernel_origin *ret_origin)
{
	struct source source;
	char *path;
	int ret;

	if (!ret_path)
		return -EINVAL;
	ret = source_open(asset, NULL, &source);
	if (ret < 0)
		return ret;
	close(source.fd);
	path = show_path(&source);
	if (!path)
		return -errno;
	*ret_path = path;
	if (ret_origin)
		*ret_origin = source.origin;
	return 0;
}

int smkernel_explain(enum smkernel_asset asset, char **ret_text)
{
	struct source source;
	char *text = NULL;
	size_t size;
	FILE *trace;

	if (!ret_text || !asset_get(asset))
		return -EINVAL;
	trace = open_memstream(&text, &size);
	if (!trace)
		return -errno;
	if (source_open(asset, trace, &source) == 0)
		close(source.fd);
	if (fclose(trace) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
