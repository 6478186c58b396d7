// SPDX-License-Identifier: Apache-2.0
/* c-ares, the resolver of node and curl's asynchronous builds: prints the addresses of argv[1]. */
#include <ares.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/select.h>

static void print(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
	char text[INET6_ADDRSTRLEN];

	(void)arg;
	(void)timeouts;
	if (status != ARES_SUCCESS) {
		printf("no address\n");
		return;
	}
	for (struct ares_addrinfo_node *one = list->nodes; one; one = one->ai_next) {
		const void *address = &((struct sockaddr_in *)one->ai_addr)->sin_addr;

		if (one->ai_family == AF_INET6)
			address = &((struct sockaddr_in6 *)one->ai_addr)->sin6_addr;
		printf("%s\n", inet_ntop(one->ai_family, address, text, sizeof(text)));
	}
	ares_freeaddrinfo(list);
}

int main(int argc, char **argv)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC};
	struct timeval limit, *wait;
	ares_channel channel;
	fd_set reads, writes;
	int count;

	if (argc < 2 || ares_library_init(ARES_LIB_INIT_ALL) || ares_init(&channel))
		return 1;
	ares_getaddrinfo(channel, argv[1], NULL, &hints, print, NULL);
	for (;;) {
		FD_ZERO(&reads);
		FD_ZERO(&writes);
		count = ares_fds(channel, &reads, &writes);
		if (!count)
			return 0;
		wait = ares_timeout(channel, NULL, &limit);
		select(count, &reads, &writes, NULL, wait);
		ares_process(channel, &reads, &writes);
	}
}
