// SPDX-License-Identifier: Apache-2.0
/* Is an asset what the package pins, and what is it otherwise. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "payload.h"

int smkernel_sha256(enum smkernel_asset asset, char ret_hex[SMKERNEL_SHA256_SIZE])
{
	int fd, ret;

	if (!ret_hex)
		return -EINVAL;
	fd = smkernel_open(asset);
	if (fd < 0)
		return fd;
	ret = sha256_fd(fd, ret_hex);
	close(fd);
	return ret;
}

int smkernel_verify(enum smkernel_asset asset)
{
	const struct asset *pinned = asset_get(asset);
	char found[SMKERNEL_SHA256_SIZE];
	int ret;

	if (!pinned)
		return -EINVAL;
	ret = smkernel_sha256(asset, found);
	if (ret < 0)
		return ret;
	return strcmp(found, pinned->sha256) == 0 ? 0 : -EBADMSG;
}

static void copy_string(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void tell_pinned(
	enum smkernel_asset asset, const struct asset *pinned, struct smkernel_info *info)
{
	info->pinned = 1;
	info->size = pinned->size;
	copy_string(info->sha256, sizeof(info->sha256), pinned->sha256);
	copy_string(info->arch, sizeof(info->arch), SMKERNEL_PAYLOAD_ARCH);
	copy_string(info->snapshot_id, sizeof(info->snapshot_id),
		SMKERNEL_PAYLOAD_SNAPSHOT_ID);
	if (asset != SMKERNEL_KERNEL)
		return;
	info->page_size = SMKERNEL_PAYLOAD_PAGE_SIZE;
	info->cmdline = SMKERNEL_PAYLOAD_CMDLINE;
	copy_string(info->kernel_release, sizeof(info->kernel_release),
		SMKERNEL_PAYLOAD_KERNEL_RELEASE);
}

static int tell_contents(int fd, struct smkernel_info *info)
{
	struct smkernel_image image;
	int ret;

	ret = smkernel_probe(fd, &image);
	if (ret < 0)
		return ret;
	info->size = image.file_size;
	info->page_size = image.page_size;
	memcpy(info->arch, image.arch, sizeof(info->arch));
	memcpy(info->kernel_release, image.release, sizeof(info->kernel_release));
	return sha256_fd(fd, info->sha256);
}

int smkernel_info(enum smkernel_asset asset, struct smkernel_info *ret_info)
{
	const struct asset *pinned = asset_get(asset);
	struct smkernel_info info = {.cmdline = ""};
	struct source source;
	int fd, ret;

	if (!pinned || !ret_info)
		return -EINVAL;
	ret = source_open(asset, NULL, &source);
	if (ret < 0)
		return ret;
	info.origin = source.origin;
	/*
	 * Where the package put it and as long as it should be: what the package knows
	 * holds.
	 */
	if (source.pinned_size && (source.xz || source.file_size == pinned->size)) {
		close(source.fd);
		tell_pinned(asset, pinned, &info);
	} else {
		fd = source_contents(&source);
		if (fd < 0)
			return fd;
		ret = tell_contents(fd, &info);
		close(fd);
		if (ret < 0)
			return ret;
		if (strcmp(info.sha256, pinned->sha256) == 0)
			tell_pinned(asset, pinned, &info);
	}
	*ret_info = info;
	return 0;
}
