// SPDX-License-Identifier: Apache-2.0
/* getaddrinfo() of the C library that this is linked with: prints the addresses of argv[1]. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *one;
	char text[INET6_ADDRSTRLEN];
	int error = argc > 1 ? getaddrinfo(argv[1], NULL, &hints, &list) : EAI_NONAME;

	if (error) {
		printf("no address\n");
		return 1;
	}
	for (one = list; one; one = one->ai_next) {
		const void *address = &((struct sockaddr_in *)one->ai_addr)->sin_addr;

		if (one->ai_family == AF_INET6)
			address = &((struct sockaddr_in6 *)one->ai_addr)->sin6_addr;
		printf("%s\n", inet_ntop(one->ai_family, address, text, sizeof(text)));
	}
	freeaddrinfo(list);
	return 0;
}
