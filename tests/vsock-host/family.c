// SPDX-License-Identifier: Apache-2.0
/* The reaction tables of the hosts in the field. */
#include <stddef.h>
#include <string.h>

#include "family.h"

/* Linux numbers: replies carry them whatever the host runs on. */
enum { L_EAGAIN = 11, L_EAGAIN_DARWIN = 35, L_REFUSED_DARWIN = 61, L_REFUSED = 111 };
enum { NONBLOCK_LINUX = 0x800, NONBLOCK_DARWIN = 0x4 };

#define MIB (1024u * 1024)

/* What all libkrun hosts share. */
#define LIBKRUN                                                                          \
	.in_order = 1, .partial_headers = 1, .one_rx_segment = 1, .parked_max = 256,     \
	.oversize = OVERSIZE_CUT, .window = 8 * MIB, .removal_delay = 5000,              \
	.swapped_cids = 1, .any_data_port = 1, .inet6 = 1, .unwrap_mapped = 1, .pad = 1, \
	.names = NAMES_PEER

#define LINUX_HOST                                                                       \
	.refused_errno = L_REFUSED, .again_errno = L_EAGAIN, .nonblock = NONBLOCK_LINUX, \
	.unix_paths = 1

#define DARWIN_HOST                                                                      \
	.refused_errno = L_REFUSED_DARWIN, .again_errno = L_EAGAIN_DARWIN,               \
	.nonblock = NONBLOCK_DARWIN

/* supermachine hosts know little but listeners. */
#define SUPERMACHINE                                                                     \
	.supermachine = 1, .connect_limit = 2000, .remote_end = END_SHUTDOWN_BOTH,       \
	.reset_unknown = 1, .keep_refused = 1, .refused_errno = L_REFUSED,               \
	.again_errno = L_EAGAIN, .nonblock = NONBLOCK_LINUX

const struct family families[] = {
	{
		"libkrun-1.18",
		{
			LIBKRUN,
			LINUX_HOST,
			.two_descriptors = 1,
			.update_after = 4 * MIB,
			.hangup_first = 1,
			.remote_end = END_RST,
			.guest_end = GUEST_END_APPLIED,
			.inet6_deaf = 1,
		},
	},
	{
		"libkrun-1.19.7",
		{
			LIBKRUN,
			LINUX_HOST,
			.credit_starts = 1,
			.remote_end = END_SHUTDOWN_SEND,
			.guest_end = GUEST_END_SUMMED,
		},
	},
	{
		"macos",
		{
			LIBKRUN,
			DARWIN_HOST,
			.hangup_first = 1,
			.remote_end = END_RST,
			.guest_end = GUEST_END_APPLIED,
		},
	},
	{
		"supermachine-0.1",
		{
			SUPERMACHINE,
			.no_interrupt = 1,
			.oversize = OVERSIZE_LOST,
			.window = 0x7fffffff,
			.update_after = 0x3fffffff,
			.max_packet = 4096,
			.ignore_credit = 1,
			.zero_fwd = 1,
			.guest_end = GUEST_END_DROPS,
			.connect_errno = L_REFUSED,
			.names = NAMES_FICTION,
		},
	},
	{
		"supermachine-0.7",
		{
			SUPERMACHINE,
			.oversize = OVERSIZE_SPLIT,
			.window = 8 * MIB,
			.update_after = 4 * MIB,
			.max_packet = 65536,
			.rw_credit = 1,
			.answer_credit = 1,
			.guest_end = GUEST_END_DRAINS,
			.inet6 = 1,
			.unwrap_mapped = 1,
			.flows_max = 256,
			.names = NAMES_PENDING,
		},
	},
	{.name = NULL},
};

const struct family *family_find(const char *name)
{
	for (const struct family *family = families; family->name; family++)
		if (!strcmp(family->name, name))
			return family;
	return NULL;
}
