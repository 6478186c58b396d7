// SPDX-License-Identifier: Apache-2.0
/* The environment service of the host: one vsock stream, read to its end. */
#include "init.h"

enum {
	SERVICE_PORT = 1026,
	SERVICE_MILLISECONDS = 5000, /* in all: a silent host does not hold up the boot */
	MESSAGE_BYTES = 4 << 20,
};

static int wait_ready(int fd, short events, long long deadline)
{
	for (;;) {
		struct pollfd one = {fd, events, 0};
		long long left = deadline - milliseconds();
		int ready = left > 0 ? poll(&one, 1, (int)left) : 0;
		if (ready > 0)
			return 0;
		if (!ready)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* A host that answers and closes in one go leaves no window to write, only data to read.
 */
static int dial_service(long long deadline)
{
	struct sockaddr_vm host = {.svm_family = AF_VSOCK,
		.svm_port = SERVICE_PORT,
		.svm_cid = VMADDR_CID_HOST};
	int error = 0;
	socklen_t len = sizeof(error);
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&host, sizeof(host))) {
		error = errno == EINPROGRESS ? wait_ready(fd, POLLIN | POLLOUT, deadline)
					     : -errno;
		if (!error && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
			error = -error;
		else if (!error)
			error = -errno;
	}
	if (error)
		close(fd);
	return error ? error : fd;
}

/* What arrived is kept in any case; a message cut short is no JSON. */
static int read_message(int fd, long long deadline, struct text *ret)
{
	char part[4096];
	for (;;) {
		ssize_t n = read(fd, part, sizeof(part));
		if (!n)
			return 0;
		if (n > 0 && ret->len + (size_t)n > MESSAGE_BYTES)
			return -EMSGSIZE;
		if (n > 0) {
			text_add(ret, part, (size_t)n);
			continue;
		}
		int error = errno == EAGAIN ? wait_ready(fd, POLLIN, deadline) : -errno;
		if (error && error != -EINTR)
			return error;
	}
}

static void apply_message(struct text *message, struct environment *e)
{
	struct environment env = {0}, secrets = {0};
	size_t where;
	if (!message->len)
		say("environment: the host sent nothing");
	else if (parse_environment(message->data, message->len, &env, &secrets, &where))
		say("environment: malformed at byte ", decimal((long long)where), " of ",
			decimal((long long)message->len), ", ignored");
	environment_merge(e, &env);
	environment_merge(e, &secrets);
	environment_free(&env);
	environment_free(&secrets);
}

void fetch_environment(struct environment *e)
{
	long long deadline = milliseconds() + SERVICE_MILLISECONDS;
	struct text message = {0};
	int fd = dial_service(deadline);
	if (fd < 0) {
		complain(-fd, "environment: vsock port ", decimal(SERVICE_PORT));
		return;
	}
	int error = read_message(fd, deadline, &message);
	close(fd);
	if (error)
		complain(-error, "environment");
	if (error != -EMSGSIZE && (message.len || !error))
		apply_message(&message, e);
	text_free(&message);
}
