// SPDX-License-Identifier: Apache-2.0
#include <net/if.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/reboot.h>

#include "../leaks.h"
#include "test.h"

#include <linux/vm_sockets.h> /* needs struct sockaddr */

const char *family;
unsigned int patience = 1;
static const char *test_name;

bool is(const char *name)
{
	return !strcmp(family, name);
}

bool supermachine(void)
{
	return !strncmp(family, "supermachine", 12);
}

bool libkrun(void)
{
	return !supermachine() && !is("none");
}

static void report(bool good, const char *error, const char *format, va_list args)
{
	char text[400];

	vsnprintf(text, sizeof(text), format, args);
	printf("%s %s: %s%s%s\n", good ? "ok" : "not ok", test_name, text,
		error ? ": " : "", error ? error : "");
}

void ok(bool good, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(good, NULL, format, args);
	va_end(args);
}

void ok_errno(bool good, const char *format, ...)
{
	const char *error = good ? NULL : strerror(errno);
	va_list args;

	va_start(args, format);
	report(good, error, format, args);
	va_end(args);
}

void skip(const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	printf("ok %s # SKIP %s\n", test_name, text);
}

static int vopen(const char *format, va_list args)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = CONTROL,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {20, 0}; /* the kernel's own is short for a busy machine */
	char line[4000];

	setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &limit, sizeof(limit));
	vsnprintf(line, sizeof(line) - 1, format, args);
	strcat(line, "\n");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
		!send_all(fd, line, strlen(line))) {
		close(fd);
		return -1;
	}
	return fd;
}

int host_open(const char *format, ...)
{
	va_list args;
	int fd;

	va_start(args, format);
	fd = vopen(format, args);
	va_end(args);
	return fd;
}

static bool read_line(int fd, char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size && read(fd, line + used, 1) == 1 && line[used] != '\n')
		used++;
	line[used] = '\0';
	return used;
}

const char *host(const char *format, ...)
{
	static char answer[1 << 20];
	size_t used = 0;
	va_list args;
	ssize_t got;
	int fd;

	va_start(args, format);
	fd = vopen(format, args);
	va_end(args);
	while (used + 1 < sizeof(answer) &&
		(got = read(fd, answer + used, sizeof(answer) - 1 - used)) > 0)
		used += (size_t)got;
	close(fd);
	answer[used] = '\0';
	answer[strcspn(answer, "\n")] = '\0';
	return answer;
}

unsigned long host_count(const char *name)
{
	const char *state = host("state");
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(state, key);
	return at ? strtoul(at + strlen(key), NULL, 10) : (unsigned long)-1;
}

int host_connects(uint16_t port, uint16_t *ret_port)
{
	int fd = host_open("connect %u", port);
	char line[32];
	unsigned int from;

	if (fd < 0 || !read_line(fd, line, sizeof(line)) ||
		sscanf(line, "ok %u", &from) != 1) {
		close(fd);
		return -1;
	}
	if (ret_port)
		*ret_port = (uint16_t)from;
	return fd;
}

int host_enters(uint16_t port)
{
	int fd = host_open("tcp %u", port);
	char line[32];

	if (fd < 0 || !read_line(fd, line, sizeof(line)) || strcmp(line, "ok") != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void parameter(const char *name, const char *value)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "/sys/module/tsi/parameters/%s", name);
	fd = open(path, O_WRONLY);
	if (write(fd, value, strlen(value)) < 0)
		ok_errno(false, "%s", path);
	close(fd);
}

socklen_t address(struct sockaddr_storage *to, const char *ip, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (strchr(ip, ':')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		inet_pton(AF_INET6, ip, &v6->sin6_addr);
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	inet_pton(AF_INET, ip, &v4->sin_addr);
	return sizeof(*v4);
}

static int connected(int type, const char *ip, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length = address(&to, ip, port);
	int fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, length)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int tcp(const char *ip, uint16_t port)
{
	return connected(SOCK_STREAM, ip, port);
}

int udp(const char *ip, uint16_t port)
{
	return connected(SOCK_DGRAM, ip, port);
}

int listener(int domain, int backlog, uint16_t *ret_port)
{
	struct sockaddr_storage any;
	socklen_t length = address(&any, domain == AF_INET ? "0.0.0.0" : "::", 0);
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&any, length) || listen(fd, backlog)) {
		close(fd);
		return -1;
	}
	if (ret_port)
		*ret_port = local_port(fd);
	return fd;
}

static uint16_t port_of(const struct sockaddr_storage *name)
{
	return ntohs(name->ss_family == AF_INET6
			     ? ((const struct sockaddr_in6 *)name)->sin6_port
			     : ((const struct sockaddr_in *)name)->sin_port);
}

uint16_t local_port(int fd)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);

	getsockname(fd, (struct sockaddr *)&name, &length);
	return port_of(&name);
}

uint16_t peer_port(int fd)
{
	struct sockaddr_storage name = {0};
	socklen_t length = sizeof(name);

	getpeername(fd, (struct sockaddr *)&name, &length);
	return port_of(&name);
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

bool within(uint64_t begun, unsigned int ms)
{
	return now() - begun < (uint64_t)ms * patience;
}

void pause_ms(unsigned int ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

short wait_for(int fd, short events, int ms)
{
	struct pollfd wait = {.fd = fd, .events = events};

	return poll(&wait, 1, ms < 0 ? ms : ms * (int)patience) > 0 ? wait.revents : 0;
}

bool send_all(int fd, const void *bytes, size_t size)
{
	while (size) {
		ssize_t put = send(fd, bytes, size, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		bytes = (const char *)bytes + put;
		size -= (size_t)put;
	}
	return true;
}

ssize_t recv_all(int fd, void *bytes, size_t size)
{
	size_t done = 0;
	ssize_t got;

	while (done < size && (got = recv(fd, (char *)bytes + done, size - done, 0)) > 0)
		done += (size_t)got;
	return (ssize_t)done;
}

bool text_is(int fd, const char *expected)
{
	char text[200] = "";
	ssize_t got = recv_all(fd, text, strlen(expected));

	return got == (ssize_t)strlen(expected) && !strcmp(text, expected);
}

#define BLOCK 65536u

/* The block at @offset, a multiple of its size: all blocks are one, but for one byte. */
static void pattern_block(uint8_t *block, uint64_t offset)
{
	static uint64_t first[BLOCK / 8];
	uint64_t more = pattern(offset) * 0x0101010101010101ull, word;

	for (unsigned int i = first[0] ? BLOCK : 0; i < BLOCK; i++)
		((uint8_t *)first)[i] = pattern(i);
	for (unsigned int i = 0; i < BLOCK / 8; i++) {
		word = first[i] ^ more;
		memcpy(block + 8 * i, &word, 8);
	}
}

int64_t receive_pattern(int fd, uint64_t size)
{
	static uint8_t buffer[BLOCK], expected[BLOCK];
	uint64_t done = 0, checked = 0;
	ssize_t got = 1;

	while (got > 0 && done < size) {
		got = recv(fd, buffer + done % BLOCK, BLOCK - done % BLOCK, 0);
		if (got > 0)
			done += (uint64_t)got;
		if (got > 0 && done % BLOCK && done < size)
			continue;
		pattern_block(expected, checked);
		if (memcmp(buffer, expected, done - checked)) {
			printf("# a wrong byte between %llu and %llu\n",
				(unsigned long long)checked, (unsigned long long)done);
			return -1;
		}
		checked = done - done % BLOCK;
	}
	if (done != size)
		printf("# %llu of %llu bytes: %s\n", (unsigned long long)done,
			(unsigned long long)size, got < 0 ? strerror(errno) : "end");
	return (int64_t)done;
}

bool send_pattern(int fd, uint64_t size)
{
	static uint8_t buffer[BLOCK];

	for (uint64_t done = 0; done < size; done += BLOCK) {
		size_t part = size - done < BLOCK ? (size_t)(size - done) : BLOCK;

		pattern_block(buffer, done);
		if (!send_all(fd, buffer, part)) {
			printf("# sent %llu of %llu bytes: %s\n",
				(unsigned long long)done, (unsigned long long)size,
				strerror(errno));
			return false;
		}
	}
	return true;
}

bool request(int fd, uint64_t size)
{
	char line[32];

	snprintf(line, sizeof(line), "%llu\n", (unsigned long long)size);
	return send_all(fd, line, strlen(line));
}

bool download(int fd, uint64_t size)
{
	char byte;

	return request(fd, size) && receive_pattern(fd, size) == (int64_t)size &&
	       recv(fd, &byte, 1, 0) == 0;
}

bool upload(int fd, uint64_t size)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "ok %llu\n", (unsigned long long)size);
	return request(fd, size) && send_pattern(fd, size) && text_is(fd, expected);
}

static void run(const struct test *test)
{
	uint64_t begun = now();
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		test_name = test->name;
		alarm((test->seconds ? test->seconds : 30) * patience);
		test->run();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL); /* what the test left behind */
	if (status)
		printf("not ok %s: %s\n", test->name,
			WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
				? "takes too long"
				: "dies");
	printf("# %s: %llu ms\n", test->name, (unsigned long long)(now() - begun));
}

static const struct {
	const char *name;
	const struct test *tests;
} groups[] = {
	{"stream", stream_tests},
	{"connect", connect_tests},
	{"use", use_tests},
	{"listen", listen_tests},
	{"names", name_tests},
	{"udp", udp_tests},
	{"poll", poll_tests},
	{"options", option_tests},
	{"ioctl", ioctl_tests},
	{"many", many_tests},
	{"hostile", hostile_tests},
	{"hijack", hijack_tests},
	{"plain", plain_tests},
	{"restore", restore_tests},
	{"unix", unix_tests},
	{"stock", stock_tests},
	{"unix-host", unix_host_tests},
	{"scale", scale_tests},
};

static void set_up(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	ioctl(fd, SIOCSIFFLAGS, &loopback);
	close(fd);
}

/*
 * PID 1. The kernel passes on what it does not know itself: family=NAME, patience=N, and
 * groups=GROUP[/TEXT],... of which all tests run whose name contains TEXT.
 */
int main(void)
{
	char *list = getenv("groups");

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	family = getenv("family");
	if (!family)
		family = "none";
	if (getenv("patience"))
		patience = (unsigned int)atoi(getenv("patience"));
	if (getpid() == 1)
		set_up();
	for (char *word = strtok(list, ","); word; word = strtok(NULL, ",")) {
		char *text = strchr(word, '/');

		if (text)
			*text++ = '\0';
		for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
			if (strcmp(word, groups[g].name) != 0)
				continue;
			for (const struct test *t = groups[g].tests; t->name; t++)
				if (!text || strstr(t->name, text))
					run(t);
		}
	}
	print_leaks();
	printf("tsi-guest: done\n");
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return 0;
}
