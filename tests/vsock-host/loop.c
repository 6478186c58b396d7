// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

static int epoll = -1;
static struct timer *timers; /* sorted by deadline */

static int epoll_fd(void)
{
	if (epoll < 0)
		epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		abort();
	return epoll;
}

void loop_watch(struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	int op = EPOLL_CTL_MOD;

	if (watch->events == events || watch->fd < 0)
		return;
	if (!watch->events)
		op = EPOLL_CTL_ADD;
	else if (!events)
		op = EPOLL_CTL_DEL;
	watch->events = events;
	epoll_ctl(epoll_fd(), op, watch->fd, &event);
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void timer_cancel(struct timer *timer)
{
	struct timer **link = &timers;

	if (!timer->armed)
		return;
	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
	timer->armed = false;
}

void timer_set(struct timer *timer, unsigned int milliseconds)
{
	struct timer **link = &timers;

	timer_cancel(timer);
	timer->at = now_ms() + milliseconds;
	while (*link && (*link)->at <= timer->at)
		link = &(*link)->next;
	timer->next = *link;
	*link = timer;
	timer->armed = true;
}

static int until_next_timer(void)
{
	uint64_t now = now_ms();

	if (!timers)
		return -1;
	return timers->at > now ? (int)(timers->at - now) : 0;
}

void loop_run(volatile sig_atomic_t *stop)
{
	while (!*stop) {
		struct epoll_event event;
		struct timer *due = timers;
		struct watch *watch;

		if (due && due->at <= now_ms()) {
			timer_cancel(due);
			due->fire(due->arg);
			continue;
		}
		if (epoll_wait(epoll_fd(), &event, 1, until_next_timer()) != 1)
			continue;
		watch = event.data.ptr;
		watch->ready(watch->arg, event.events);
	}
}
