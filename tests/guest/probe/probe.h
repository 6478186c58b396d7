/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feature probe: every entry uses one feature of the kernel by system calls, as a program of a user would.
 * An entry runs in a child of its own, in private mount and IPC namespaces, as root; it returns when the feature
 * works and calls fail() otherwise.
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
	const char *name;
	void (*run)(void);
};

extern const struct probe boot_probes[], file_probes[], process_probes[],
	network_probes[];

_Noreturn void fail(const char *what);

/* A system call that must succeed, a condition that must hold. */
#define try(expr)                                                                        \
	({                                                                               \
		long try_result = (long)(expr);                                          \
		if (try_result < 0)                                                      \
			fail(#expr);                                                     \
		try_result;                                                              \
	})
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
/* A fresh directory with an empty tmpfs. */
const char *scratch(void);
/* Runs FN in a child with those namespaces; fails when the child does. */
void child(int namespaces, void (*fn)(void));
/* The same as root of a new user namespace, started by uid 1000. */
void unprivileged(int namespaces, void (*fn)(void));
void await(pid_t pid);
/* A loop device over a fresh file of SIZE bytes; its path in a static buffer. */
const char *loop_device(const char *file, long size);

#endif
