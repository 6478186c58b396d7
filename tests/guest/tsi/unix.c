// SPDX-License-Identifier: Apache-2.0
/* AF_UNIX is the guest's own unless tsi_hijack_unix says otherwise. */
#include <stddef.h>
#include <sys/un.h>

#include "test.h"

static void local(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "/tmp/local" };
	unsigned long before = host_count("creates");
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd;

	unlink(at.sun_path);
	ok_errno(!bind(server, (struct sockaddr *)&at, sizeof(at)) && !listen(server, 8),
		 "bind and listen");
	ok_errno(!connect(client, (struct sockaddr *)&at, sizeof(at)), "connect");
	fd = accept(server, NULL, NULL);
	ok(send_all(client, "x", 1) && text_is(fd, "x"), "data");
	ok(host_count("creates") == before, "the host knows nothing of it");
}

const struct test unix_tests[] = {
	{ "14 local", local, 0 },
	{ NULL, NULL, 0 },
};
