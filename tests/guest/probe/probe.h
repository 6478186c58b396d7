/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feature probe: every entry uses one feature of the kernel by system calls, as a program of a user would.
 * An entry runs in a child of its own, in private mount and IPC namespaces, as root; it returns when the feature
 * works and calls fail() otherwise, or absent() when kernel or CPU do not offer it at all.
 */
#ifndef PROBE_H
#define PROBE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct probe {
	/* Required, or nice to have: then a kernel may be without it. Names with "CPU: " are up to the processor. */
	enum { R, N } need;
	const char *name;
	void (*run)(void);
};

/* The first are for PID 1. */
extern const struct probe early_probes[], boot_probes[], device_probes[], file_probes[],
	process_probes[], network_probes[];

_Noreturn void fail(const char *what);
_Noreturn void absent(void);

/* A system call that must succeed, a condition that must hold. */
#define try(expr)                                                                        \
	({                                                                               \
		long try_result = (long)(expr);                                          \
		if (try_result < 0)                                                      \
			fail(#expr);                                                     \
		try_result;                                                              \
	})
/* The same, absent where the errno says that there is no such thing. */
#define offered(expr)                                                                    \
	({                                                                               \
		long offered_result = (long)(expr);                                      \
		if (offered_result < 0 && nothing_there())                               \
			absent();                                                        \
		if (offered_result < 0)                                                  \
			fail(#expr);                                                     \
		offered_result;                                                          \
	})
int nothing_there(void);
#define must(cond)                                                                       \
	do {                                                                             \
		if (!(cond)) {                                                           \
			errno = 0;                                                       \
			fail(#cond);                                                     \
		}                                                                        \
	} while (0)
/* A system call that must fail with that error. */
#define refuses(error, expr)                                                             \
	do {                                                                             \
		errno = 0;                                                               \
		if ((long)(expr) >= 0 || errno != (error))                               \
			fail("not refused: " #expr);                                     \
	} while (0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof(*(a)))

void put(const char *path, const char *text);
/* The first bytes of a file, in a static buffer. */
char *get(const char *path);
int contains(const char *path, const char *text);
/* Until the file contains the text, 10 seconds at most. */
void wait_for(const char *path, const char *text);
/* The number that follows the key in a file. */
long number(const char *path, const char *key);
/* A path by its format; never freed, an entry's process is short. */
__attribute__((format(printf, 1, 2))) char *path(const char *format, ...);
long page_size(void);
/* Fresh private pages. */
char *pages(int n);
long milliseconds(void);
/* The exit status of a shell command. */
int shell(const char *command);
/* A fresh directory with an empty tmpfs. */
const char *scratch(void);
/* Runs FN in a child with those namespaces; fails when the child does. */
void child(int namespaces, void (*fn)(void));
/* The same as root of a new user namespace, started by uid 1000. */
void unprivileged(int namespaces, void (*fn)(void));
void await(pid_t pid);
/* The owner writes the file, user 1000 reads it, nobody else: by a list that the file gets. We are user 1000 then. */
void access_list(const char *file);
/* Makes SIZE bytes of that file or disk a swap area and puts it to use. */
void swap_on(const char *file, long size);
/* Binds a TCP port below 1024. */
void low_port(void);
/* The device node of the disk with that serial number. */
const char *disk(const char *serial);
/* A loop device over a fresh file of SIZE bytes; its path. */
const char *loop_device(const char *file, long size);

#endif
