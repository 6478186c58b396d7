/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the library share. The public side is smkernel.h. */
#ifndef SMKERNEL_INTERNAL_H
#define SMKERNEL_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "smkernel.h"

/* One asset as the package pins it. */
struct asset {
	const char *name;
	const char *env;
	uint64_t size;
	const char *sha256;
};

/* The file an asset resolved to, open. */
struct source {
	int fd;
	bool xz;
	enum smkernel_origin origin;
	uint64_t file_size;
	uint64_t pinned_size; /* what the contents must measure, 0 when anything goes */
	char path[PATH_MAX];
};

/* assets.c: NULL for a value that is no asset */
const struct asset *asset_get(enum smkernel_asset asset);

/* resolve.c: @trace, when not NULL, is told each place; close ret_source->fd */
int source_open(enum smkernel_asset asset, FILE *trace, struct source *ret_source);

/*
 * open.c: takes over source->fd, also on failure; the fd returned gives uncompressed
 * bytes
 */
int source_contents(struct source *source);
/* Decodes or copies the contents of @source to @out. */
int source_write(const struct source *source, int out);

/* copy.c */
int copy_file(int in, int out);
int write_all(int fd, const void *data, size_t size);
ssize_t read_some(int fd, void *data, size_t size);

/* xz.c: the contents must be exactly @pinned_size bytes, unless that is 0 */
int xz_decode(int in, int out, uint64_t pinned_size);

/* sha256.c */
struct sha256 {
	uint32_t state[8];
	uint64_t size;
	unsigned char block[64];
};
void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t size);
void sha256_final(struct sha256 *ctx, char ret_hex[SMKERNEL_SHA256_SIZE]);
/* The rest of @fd from its offset on. */
int sha256_fd(int fd, char ret_hex[SMKERNEL_SHA256_SIZE]);

#endif
