// SPDX-License-Identifier: Apache-2.0
/* Quirks: single deviations from a family, by name. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "family.h"

struct quirk {
	const char *name;
	size_t offset;
	uint32_t value; /* of the bare name */
};

#define FIELD(name, field, value)                                                        \
	{                                                                                \
		name, offsetof(struct behaviour, field), value                           \
	}

static const struct quirk quirks[] = {
	FIELD("pad", pad_a5, 1),
	FIELD("connect-delay", connect_delay, 3000),
	FIELD("never-reply", never_reply, 1),
	FIELD("reply-twice", reply_twice, 1),
	FIELD("reply-late", reply_late, 6000),
	FIELD("wrong-port", wrong_port, 1),
	FIELD("macos-errno", refused_errno, 61),
	FIELD("again-errno", again_errno, 35),
	FIELD("connect-errno", connect_errno, 111),
	FIELD("ignore-nonblock", nonblock, 0x4),
	FIELD("bsd-names", bsd_names, 1),
	FIELD("update-after", update_after, 4 * 1024 * 1024),
	FIELD("two-descriptors", two_descriptors, 1),
	FIELD("early-credit", early_credit, 1),
	FIELD("early-data", early_data, 1),
	FIELD("credit-starts", credit_starts, 1),
	FIELD("listen-error", listen_errno, 13),
	FIELD("listen-busy", listen_busy, 1),
	FIELD("getname-fails", getname_fails, 22),
	FIELD("rst-all", rst_all, 1),
	FIELD("big-udp", big_udp, 65507),
	FIELD("drop-reply", drop_reply, 3),
	FIELD("drop-packet", drop_packet, 50),
	FIELD("duplicate", duplicate, 50),
	FIELD("truncate", truncate, 50),
	FIELD("no-interrupt", no_interrupt, 1),
	FIELD("zero-fwd", zero_fwd, 1),
	FIELD("ignore-credit", ignore_credit, 1),
	FIELD("answer-credit", answer_credit, 1),
	FIELD("blocking-send", blocking_send, 1),
	FIELD("window", window, 65536),
	FIELD("max-packet", max_packet, 4096),
	FIELD("oversize", oversize, OVERSIZE_LOST),
	FIELD("silent-services", silent_services, 1),
	FIELD("connect-limit", connect_limit, 2000),
	FIELD("removal-delay", removal_delay, 100),
	FIELD("remote-end", remote_end, END_RST),
	FIELD("guest-end", guest_end, GUEST_END_DROPS),
};

static const struct quirk *find(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
		if (!strncmp(quirks[i].name, name, length) && !quirks[i].name[length])
			return &quirks[i];
	return NULL;
}

static uint32_t *field(struct behaviour *behaviour, const struct quirk *quirk)
{
	return (uint32_t *)((char *)behaviour + quirk->offset);
}

int quirk_set(struct behaviour *behaviour, const char *text)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	const struct quirk *quirk = find(text, length);
	uint32_t value;
	char *end;

	if (!quirk)
		return -EINVAL;
	value = quirk->value;
	if (equals) {
		value = (uint32_t)strtoul(equals + 1, &end, 0);
		if (*end || end == equals + 1)
			return -EINVAL;
	}
	*field(behaviour, quirk) = value;
	return 0;
}

int quirk_unset(
	struct behaviour *behaviour, const struct family *family, const char *name)
{
	const struct quirk *quirk = find(name, strlen(name));
	struct behaviour own = family->behaviour;

	if (!quirk)
		return -EINVAL;
	*field(behaviour, quirk) = *field(&own, quirk);
	return 0;
}
