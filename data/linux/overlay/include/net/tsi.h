/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transparent socket impersonation: what the rest of the kernel calls.
 */
#ifndef _NET_TSI_H
#define _NET_TSI_H

#include <linux/compiler.h>
#include <linux/types.h>

struct socket;

#ifdef CONFIG_TSI
extern bool tsi_hijack;
extern bool tsi_hijack_unix;

int __tsi_attach(struct socket *sock);
void tsi_token_take(char *args, int size);

/* Called once for every new socket, when its own family has finished with it. */
static inline int tsi_attach(struct socket *sock, int kern)
{
	if (kern || !(READ_ONCE(tsi_hijack) || READ_ONCE(tsi_hijack_unix)))
		return 0;
	return __tsi_attach(sock);
}
#else
static inline int tsi_attach(struct socket *sock, int kern)
{
	return 0;
}

static inline void tsi_token_take(char *args, int size)
{
}
#endif

#endif /* _NET_TSI_H */
