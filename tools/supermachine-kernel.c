// SPDX-License-Identifier: Apache-2.0
/* The command over libsmkernel. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "payload.h"
#include "smkernel.h"

static const char usage_text[] =
	"usage: supermachine-kernel path [--explain] [--origin] ASSET\n"
	"       supermachine-kernel extract [--parents] ASSET DEST\n"
	"       supermachine-kernel verify [ASSET]\n"
	"       supermachine-kernel info [--json]\n"
	"       supermachine-kernel env\n"
	"       supermachine-kernel probe FILE\n"
	"       supermachine-kernel --help | --version\n"
	"ASSET is kernel or init-oci. See supermachine-kernel(1).\n";

/* In the order of enum smkernel_asset. */
static const struct {
	const char *name, *key, *env, *pinned_sha256;
} assets[] = {
	{"kernel", "kernel", "SUPERMACHINE_KERNEL_PATH", SMKERNEL_PAYLOAD_KERNEL_SHA256},
	{"init-oci", "init_oci", "SUPERMACHINE_INIT_OCI_PATH",
		SMKERNEL_PAYLOAD_INIT_OCI_SHA256},
};

/* Proved in a guest with the packaged kernel. */
static const char *const features[] = {SMKERNEL_PAYLOAD_FEATURES};

static const char *const origins[] = {
	"env-file", "env-dir", "bundle", "relocated", "installed"};

static const char *const formats[] = {"unknown", "arm64-image", "efi-zboot",
	"x86-bzimage", "elf", "gzip", "xz", "zstd"};

static const char *const format_texts[] = {"unknown format", "arm64 Linux Image",
	"compressed EFI image (zboot): unpack it first", "x86 Linux bzImage", "ELF file",
	"gzip: unpack it first", "xz: an override may be this", "zstd: unpack it first"};

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
	va_list args;

	fputs("supermachine-kernel: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static int usage_error(void)
{
	fputs(usage_text, stderr);
	return EX_USAGE;
}

static int exit_status(int error)
{
	switch (error) {
	case -EBADMSG:
	case -EFBIG:
	case -ENOTSUP:
		return EX_DATAERR;
	case -ENOSPC:
	case -EDQUOT:
	case -EIO:
		return EX_IOERR;
	case -ENOMEM:
		return EX_OSERR;
	default:
		return EX_CANTCREAT;
	}
}

static const char *error_text(int error)
{
	switch (error) {
	case -EBADMSG:
		return "corrupt or truncated .xz file, or not the size that the package "
		       "says";
	case -EFBIG:
		return "the .xz file holds more than the package says, or more than 256 "
		       "MiB";
	default:
		return strerror(-error);
	}
}

/* 0, or the exit status after a complaint. */
static int parse_asset(const char *name, enum smkernel_asset *ret_asset)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (strcmp(name, assets[i].name) != 0)
			continue;
		*ret_asset = i == 0 ? SMKERNEL_KERNEL : SMKERNEL_INIT_OCI;
		return 0;
	}
	complain("'%s' is no asset: kernel or init-oci", name);
	return EX_USAGE;
}

/* The last line of the explanation says what is wrong, and with which file. */
static int complain_unresolved(enum smkernel_asset asset)
{
	char *text, *line;
	int ret;

	ret = smkernel_explain(asset, &text);
	if (ret < 0) {
		complain("%s: %s", assets[asset].name, strerror(-ret));
		return EX_OSERR;
	}
	text[strlen(text) - 1] = '\0';
	line = strrchr(text, '\n');
	complain("%s", line ? line + 1 : text);
	free(text);
	return EX_NOINPUT;
}

static int get_path(
	enum smkernel_asset asset, char **ret_path, enum smkernel_origin *ret_origin)
{
	int ret = smkernel_path(asset, ret_path, ret_origin);

	return ret < 0 ? complain_unresolved(asset) : 0;
}

static int cmd_path(int argc, char **argv)
{
	static const struct option options[] = {
		{"explain", no_argument, NULL, 'e'},
		{"origin", no_argument, NULL, 'o'},
		{0},
	};
	bool explain = false, show_origin = false;
	enum smkernel_origin origin;
	enum smkernel_asset asset;
	char *path, *text;
	int option, ret;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return usage_error();
		if (option == 'e')
			explain = true;
		else
			show_origin = true;
	}
	if (argc - optind != 1)
		return usage_error();
	ret = parse_asset(argv[optind], &asset);
	if (ret != 0)
		return ret;
	if (explain && smkernel_explain(asset, &text) == 0) {
		fputs(text, stdout);
		free(text);
	}
	ret = get_path(asset, &path, &origin);
	if (ret != 0)
		return ret;
	if (show_origin)
		printf("%s\t%s\n", path, origins[origin]);
	else if (!explain)
		puts(path);
	free(path);
	return 0;
}

static int cmd_extract(int argc, char **argv)
{
	static const struct option options[] = {
		{"parents", no_argument, NULL, 'p'},
		{0},
	};
	unsigned int flags = 0;
	enum smkernel_asset asset;
	const char *destination;
	char *path;
	int option, ret;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return usage_error();
		flags = SMKERNEL_PARENTS;
	}
	if (argc - optind != 2)
		return usage_error();
	ret = parse_asset(argv[optind], &asset);
	if (ret != 0)
		return ret;
	destination = argv[optind + 1];
	ret = get_path(asset, &path, NULL);
	if (ret != 0)
		return ret;
	ret = smkernel_extract(asset, destination, flags);
	if (ret < 0) {
		if (exit_status(ret) == EX_DATAERR)
			complain("%s: %s", path, error_text(ret));
		else
			complain("%s: %s", destination, error_text(ret));
		ret = exit_status(ret);
	}
	free(path);
	return ret;
}

static int verify(enum smkernel_asset asset)
{
	const char *pinned = assets[asset].pinned_sha256;
	char found[SMKERNEL_SHA256_SIZE];
	char *path;
	int ret;

	ret = get_path(asset, &path, NULL);
	if (ret != 0)
		return ret;
	ret = smkernel_sha256(asset, found);
	if (ret < 0) {
		complain("%s: %s", path, error_text(ret));
		ret = exit_status(ret) == EX_CANTCREAT ? EX_IOERR : exit_status(ret);
	} else if (strcmp(found, pinned) != 0) {
		printf("%s: DIFFERS %s sha256 %s\n", assets[asset].name, path, found);
		complain("%s: sha256 is %s, the package pins %s", path, found, pinned);
		ret = EX_DATAERR;
	} else {
		printf("%s: OK %s sha256 %s\n", assets[asset].name, path, found);
	}
	free(path);
	return ret;
}

static int cmd_verify(int argc, char **argv)
{
	static const struct option options[] = {{0}};
	enum smkernel_asset asset;
	int ret, ret_init;

	if (getopt_long(argc, argv, "", options, NULL) != -1 || argc - optind > 1)
		return usage_error();
	if (argc - optind == 1) {
		ret = parse_asset(argv[optind], &asset);
		return ret != 0 ? ret : verify(asset);
	}
	ret = verify(SMKERNEL_KERNEL);
	ret_init = verify(SMKERNEL_INIT_OCI);
	return ret != 0 ? ret : ret_init;
}

/* Bytes of the UTF-8 character that starts here, 0 when there is none. */
static size_t utf8_length(const unsigned char *text)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	/*
	 * by the upper five bits of the first byte; 0: it only continues or ends no
	 * character
	 */
	static const unsigned char lengths[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 4, 0};
	size_t length = lengths[*text >> 3];
	uint32_t value = length > 1 ? *text & (0x7f >> length) : *text;
	size_t i;

	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (length > 1 &&
		(value < smallest[length] || value > 0x10ffff || value >> 11 == 0x1b))
		return 0;
	return length;
}

/* A path need not be UTF-8, JSON must. */
static void print_json_string(const char *string)
{
	const unsigned char *next = (const unsigned char *)string;

	putchar('"');
	while (*next) {
		size_t length = utf8_length(next);

		if (length == 0)
			fputs("\\ufffd", stdout);
		else if (*next == '"' || *next == '\\')
			printf("\\%c", *next);
		else if (*next < 0x20 || *next == 0x7f)
			printf("\\u%04x", *next);
		else
			fwrite(next, 1, length, stdout);
		next += length ? length : 1;
	}
	putchar('"');
}

/* "" is what is not known: null. */
static void print_json_member(const char *indent, const char *key, const char *value)
{
	printf("%s\"%s\": ", indent, key);
	if (*value)
		print_json_string(value);
	else
		fputs("null", stdout);
	fputs(",\n", stdout);
}

static void print_json_features(int known)
{
	size_t i;

	fputs("  \"features\": ", stdout);
	if (!known || !features[0]) {
		puts("null,");
		return;
	}
	for (i = 0; features[i]; i++) {
		fputs(i == 0 ? "[\n    " : ",\n    ", stdout);
		print_json_string(features[i]);
	}
	puts("\n  ],");
}

static void print_json(char *const paths[2], const struct smkernel_info infos[2],
	const char *snapshot_id)
{
	const struct smkernel_info *kernel = &infos[SMKERNEL_KERNEL];
	int i;

	puts("{");
	print_json_member("  ", "version", smkernel_version());
	print_json_member("  ", "snapshot_id", snapshot_id);
	print_json_member("  ", "recipe_sha256",
		*snapshot_id ? SMKERNEL_PAYLOAD_RECIPE_SHA256 : "");
	print_json_member(
		"  ", "toolchain", *snapshot_id ? SMKERNEL_PAYLOAD_TOOLCHAIN : "");
	print_json_member("  ", "arch", kernel->arch);
	print_json_member("  ", "kernel_release", kernel->kernel_release);
	print_json_member("  ", "cmdline", kernel->cmdline);
	print_json_member("  ", "tsi", kernel->pinned ? SMKERNEL_PAYLOAD_TSI : "");
	if (kernel->page_size)
		printf("  \"page_size\": %u,\n", (unsigned int)kernel->page_size);
	else
		puts("  \"page_size\": null,");
	print_json_features(kernel->pinned);
	for (i = 0; i < 2; i++) {
		printf("  \"%s\": {\n", assets[i].key);
		print_json_member("    ", "path", paths[i]);
		print_json_member("    ", "origin", origins[infos[i].origin]);
		printf("    \"pinned\": %s,\n", infos[i].pinned ? "true" : "false");
		print_json_member("    ", "arch", infos[i].arch);
		print_json_member("    ", "sha256", infos[i].sha256);
		printf("    \"size\": %llu\n  }%s\n", (unsigned long long)infos[i].size,
			i == 0 ? "," : "");
	}
	puts("}");
}

static const char *or_unknown(const char *text)
{
	return *text ? text : "unknown";
}

static void print_info(char *const paths[2], const struct smkernel_info infos[2],
	const char *snapshot_id)
{
	const struct smkernel_info *kernel = &infos[SMKERNEL_KERNEL];
	int i;

	printf("%-16s%s\n", "version", smkernel_version());
	printf("%-16s%s\n", "snapshot id", or_unknown(snapshot_id));
	printf("%-16s%s\n", "arch", or_unknown(kernel->arch));
	printf("%-16s%s\n", "kernel release", or_unknown(kernel->kernel_release));
	if (kernel->page_size)
		printf("%-16s%u\n", "page size", (unsigned int)kernel->page_size);
	else
		printf("%-16s%s\n", "page size", or_unknown(""));
	printf("%-16s%s\n", "command line", or_unknown(kernel->cmdline));
	printf("%-16s%s\n", "tsi", or_unknown(kernel->pinned ? SMKERNEL_PAYLOAD_TSI : ""));
	for (i = 0; i < 2; i++) {
		printf("%s\n", assets[i].name);
		printf("  %-14s%s\n", "path", paths[i]);
		printf("  %-14s%s%s\n", "origin", origins[infos[i].origin],
			infos[i].pinned ? "" : " (not the packaged file)");
		printf("  %-14s%llu\n", "size", (unsigned long long)infos[i].size);
		printf("  %-14s%s\n", "sha256", infos[i].sha256);
	}
	puts(kernel->pinned && features[0] ? "features" : "features        unknown");
	for (i = 0; kernel->pinned && features[i]; i++)
		printf("  %s\n", features[i]);
}

static int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{0},
	};
	struct smkernel_info infos[2];
	char *paths[2] = {NULL, NULL};
	const char *snapshot_id;
	bool json = false;
	int i, option, ret = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return usage_error();
		json = true;
	}
	if (argc != optind)
		return usage_error();
	for (i = 0; i < 2 && ret == 0; i++) {
		enum smkernel_asset asset = i == 0 ? SMKERNEL_KERNEL : SMKERNEL_INIT_OCI;

		ret = get_path(asset, &paths[i], NULL);
		if (ret != 0)
			break;
		ret = smkernel_info(asset, &infos[i]);
		if (ret < 0) {
			complain("%s: %s", paths[i], error_text(ret));
			ret = exit_status(ret) == EX_CANTCREAT ? EX_IOERR
							       : exit_status(ret);
		}
	}
	if (ret == 0) {
		/* It stands for both files: with one replaced it stands for nothing. */
		snapshot_id =
			infos[0].pinned && infos[1].pinned ? infos[0].snapshot_id : "";
		(json ? print_json : print_info)(paths, infos, snapshot_id);
	}
	free(paths[0]);
	free(paths[1]);
	return ret;
}

/* In single quotes nothing is special to a shell but the quote itself. */
static void print_export(const char *name, const char *value, size_t length)
{
	printf("export %s='", name);
	for (; length > 0; length--, value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	}
	puts("'");
}

static int cmd_env(int argc, char **argv)
{
	static const struct option options[] = {{0}};
	char *paths[2] = {NULL, NULL};
	size_t directory;
	int ret;

	if (getopt_long(argc, argv, "", options, NULL) != -1 || argc != optind)
		return usage_error();
	ret = get_path(SMKERNEL_KERNEL, &paths[0], NULL);
	if (ret == 0)
		ret = get_path(SMKERNEL_INIT_OCI, &paths[1], NULL);
	if (ret == 0) {
		directory = (size_t)(strrchr(paths[0], '/') - paths[0]);
		if (strcmp(paths[0] + directory, "/kernel") == 0 &&
			strncmp(paths[0], paths[1], directory) == 0 &&
			strcmp(paths[1] + directory, "/init-oci") == 0) {
			print_export("SUPERMACHINE_ASSETS_DIR", paths[0], directory);
		} else {
			print_export(assets[0].env, paths[0], strlen(paths[0]));
			print_export(assets[1].env, paths[1], strlen(paths[1]));
		}
	}
	free(paths[0]);
	free(paths[1]);
	return ret;
}

static int cmd_probe(int argc, char **argv)
{
	static const struct option options[] = {{0}};
	struct smkernel_image image;
	const char *file;
	int fd, ret;

	if (getopt_long(argc, argv, "", options, NULL) != -1 || argc - optind != 1)
		return usage_error();
	file = argv[optind];
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		complain("%s: %s", file, strerror(errno));
		return EX_NOINPUT;
	}
	ret = smkernel_probe(fd, &image);
	close(fd);
	if (ret < 0) {
		complain("%s: %s", file, strerror(-ret));
		return EX_NOINPUT;
	}
	printf("%-16s%s\n", "format", formats[image.format]);
	printf("%-16s%s\n", "description", format_texts[image.format]);
	printf("%-16s%llu\n", "file size", (unsigned long long)image.file_size);
	if (*image.arch)
		printf("%-16s%s\n", "arch", image.arch);
	if (*image.release)
		printf("%-16s%s\n", "release", image.release);
	if (image.format == SMKERNEL_FORMAT_ARM64_IMAGE) {
		printf("%-16s%u\n", "page size", (unsigned int)image.page_size);
		printf("%-16s0x%llx\n", "text offset",
			(unsigned long long)image.text_offset);
		printf("%-16s0x%llx\n", "image size",
			(unsigned long long)image.image_size);
		printf("%-16s%s\n", "endianness", image.big_endian ? "big" : "little");
		printf("%-16s%s\n", "placement",
			image.any_base ? "any 2 MiB boundary" : "near the start of RAM");
	}
	return image.format == SMKERNEL_FORMAT_UNKNOWN ? EX_DATAERR : 0;
}

static int run(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*function)(int argc, char **argv);
	} commands[] = {
		{"path", cmd_path},
		{"extract", cmd_extract},
		{"verify", cmd_verify},
		{"info", cmd_info},
		{"env", cmd_env},
		{"probe", cmd_probe},
	};
	size_t i;

	if (argc < 2)
		return usage_error();
	if (strcmp(argv[1], "--help") == 0) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("supermachine-kernel %s\n", smkernel_version());
		return 0;
	}
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].function(argc - 1, argv + 1);
	complain("'%s' is no command", argv[1]);
	return usage_error();
}

int main(int argc, char **argv)
{
	int status = run(argc, argv);

	/* A full disk behind a redirection shows here at the latest. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0) {
		complain("standard output: %s", strerror(errno));
		status = EX_IOERR;
	}
	return status;
}
