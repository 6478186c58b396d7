/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: one command per connection, one line each way. */
#ifndef COMMAND_H
#define COMMAND_H

#include "host.h"

int command_listen(struct host *host, const char *path);

/* The client: send @command to @path, relay standard input and output. Exit status. */
int command_ask(const char *path, const char *command);

/* Start @count hostile packets. */
void fuzz_start(struct host *host, unsigned int count, uint64_t seed);

extern volatile sig_atomic_t stop;

#endif
