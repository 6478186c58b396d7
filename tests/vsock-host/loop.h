/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: file descriptors (epoll, level triggered) and one-shot timers. */
#ifndef LOOP_H
#define LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct watch {
	void (*ready)(void *arg, uint32_t events);
	void *arg;
	int fd;
	uint32_t events; /* what is watched now, 0 = not in the set */
};

struct timer {
	void (*fire)(void *arg);
	void *arg;
	struct timer *next;
	uint64_t at;
	bool armed;
};

/* Watch for @events from now on; 0 leaves the set, so that a hung-up descriptor that
 * nobody wants to hear about cannot spin the loop. */
void loop_watch(struct watch *watch, uint32_t events);

void timer_set(struct timer *timer, unsigned int milliseconds);
void timer_cancel(struct timer *timer);

uint64_t now_ms(void);

/* Run until *stop. Events are taken one at a time: a handler may free any other object. */
void loop_run(volatile sig_atomic_t *stop);

#endif
