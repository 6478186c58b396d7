// SPDX-License-Identifier: Apache-2.0
/* Lines on the console. Every byte is an exit of the VM and the host searches lines, so a
   line is one write, has no control characters and is of bounded length. */
#include "init.h"

enum { LINE_BYTES = 1000 };

static int console_fd = 2;

/* Also keeps a descriptor of its own, for children whose descriptors lead elsewhere. */
void open_console(void)
{
	bool open_already = true;
	for (int fd = 0; fd < 3; fd++)
		open_already &= fcntl(fd, F_GETFD) >= 0;
	if (!open_already) {
		mount_dev();
		int fd = open("/dev/console", O_RDWR | O_NOCTTY);
		while (fd >= 0 && fd < 3)
			fd = fcntl(fd, F_DUPFD, 0);
		if (fd > 2)
			close(fd);
	}
	int fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		console_fd = fd;
}

static size_t escape(char *line, size_t len, const char *word)
{
	static const char hex[] = "0123456789abcdef";
	for (; *word && len < LINE_BYTES; word++) {
		unsigned char c = (unsigned char)*word;
		if (c >= ' ' && c != 0x7f) {
			line[len++] = *word;
			continue;
		}
		line[len++] = '\\';
		line[len++] = 'x';
		line[len++] = hex[c >> 4];
		line[len++] = hex[c & 15];
	}
	return len;
}

static void print_words(int error, const char *prefix, const char *word, va_list more)
{
	char line[LINE_BYTES + 128];
	size_t len = escape(line, 0, prefix);
	for (; word; word = va_arg(more, const char *))
		len = escape(line, len, word);
	if (len >= LINE_BYTES)
		len = (size_t)(stpcpy(line + LINE_BYTES, " ...") - line);
	if (error) {
		line[len++] = ':';
		line[len++] = ' ';
		len = (size_t)(stpncpy(line + len, strerror(error), 100) - line);
	}
	line[len++] = '\n';
	/* The host waits for some lines; nobody could be told that one is lost. */
	int failures = 0;
	for (size_t done = 0; done < len && failures < 3;) {
		ssize_t n = write(console_fd, line + done, len - done);
		failures += n <= 0;
		done += n > 0 ? (size_t)n : 0;
	}
}

void print_line(int error, const char *word, ...)
{
	va_list more;
	va_start(more, word);
	print_words(error, "", word, more);
	va_end(more);
}

/* PID 1 never exits: the machine would go down with it. A child only gives up. */
_Noreturn void print_fatal(int error, const char *word, ...)
{
	bool child = getpid() != 1;
	va_list more;
	va_start(more, word);
	print_words(error, child ? "init-oci: " : "FATAL: init-oci: ", word, more);
	va_end(more);
	if (child)
		_exit(STATUS_NOT_STARTED);
	park();
}
