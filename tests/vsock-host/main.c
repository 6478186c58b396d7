// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "address.h"
#include "command.h"
#include "dgram.h"
#include "service.h"
#include "stream.h"

#define F_DGRAM (1ull << 3)
#define F_VERSION_1 (1ull << 32)
#define F_IN_ORDER (1ull << 35)

volatile sig_atomic_t stop;
static bool once;

static void handle_stop(int signal)
{
	(void)signal;
	stop = 1;
}

static void usage(void)
{
	fputs("usage: vsock-host --socket PATH [--control PATH] [--family NAME] [--cid "
	      "N]\n"
	      "                  [--token HEX] [--quirk NAME[=VALUE]]... [--env FILE]\n"
	      "                  [--env-mode "
	      "normal|none|silent|refuse|torn|split|open|empty]\n"
	      "                  [--map GUEST=HOST]... [--port GUEST=HOST]...\n"
	      "                  [--unix-root DIR] [--log FILE] [--seed N] [--once]\n"
	      "       vsock-host --ask PATH COMMAND...\n"
	      "families:",
		stderr);
	for (const struct family *family = families; family->name; family++)
		fprintf(stderr, " %s", family->name);
	fputc('\n', stderr);
	exit(2);
}

static void fail(const char *what, int error)
{
	fprintf(stderr, "vsock-host: %s: %s\n", what, strerror(-error));
	exit(1);
}

static int parse_token(struct host *host, const char *text)
{
	if (strlen(text) != 2 * TOKEN_SIZE ||
		strspn(text, "0123456789abcdefABCDEF") != 2 * TOKEN_SIZE)
		return -EINVAL;
	for (size_t i = 0; i < TOKEN_SIZE; i++) {
		char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

		host->token[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	host->has_token = true;
	return 0;
}

static int parse_port(struct host *host, const char *text)
{
	struct port_map *map = &host->ports[host->port_count];

	if (host->port_count == sizeof(host->ports) / sizeof(host->ports[0]) ||
		sscanf(text, "%hu=%hu", &map->guest, &map->host) != 2)
		return -EINVAL;
	host->port_count++;
	return 0;
}

/* A front end that went away takes the guest with it. */
static void front_end_gone(void *arg)
{
	struct host *host = arg;

	stream_forget(host, true);
	dgram_forget(host);
	while (host->parked) {
		struct parked *next = host->parked->next;

		free(host->parked);
		host->parked = next;
	}
	host->parked_count = 0;
	host->transmit_stops = 0;
	host->fuzz_left = 0;
	if (once)
		stop = 1;
}

static int ask(int argc, char **argv)
{
	char command[4096] = "";

	for (int i = optind; i < argc; i++) {
		strncat(command, argv[i], sizeof(command) - strlen(command) - 1);
		if (i + 1 < argc)
			strncat(command, " ", sizeof(command) - strlen(command) - 1);
	}
	return command_ask(optarg, command);
}

enum option_code {
	SOCKET = 1,
	CONTROL,
	FAMILY,
	CID,
	TOKEN,
	QUIRK,
	ENV,
	ENV_MODE,
	LOG,
	SEED,
	MAP,
	PORT,
	UNIX_ROOT,
	ONCE,
	ASK,
};

static const struct option options[] = {
	{"socket", required_argument, NULL, SOCKET},
	{"control", required_argument, NULL, CONTROL},
	{"family", required_argument, NULL, FAMILY},
	{"cid", required_argument, NULL, CID},
	{"token", required_argument, NULL, TOKEN},
	{"quirk", required_argument, NULL, QUIRK},
	{"env", required_argument, NULL, ENV},
	{"env-mode", required_argument, NULL, ENV_MODE},
	{"log", required_argument, NULL, LOG},
	{"seed", required_argument, NULL, SEED},
	{"map", required_argument, NULL, MAP},
	{"port", required_argument, NULL, PORT},
	{"unix-root", required_argument, NULL, UNIX_ROOT},
	{"once", no_argument, NULL, ONCE},
	{"ask", required_argument, NULL, ASK},
	{NULL, 0, NULL, 0},
};

static struct host host = {
	.cid = 3,
	.random = 1,
	.next_dialled = FIRST_DIALLED_PORT,
	.environment_mode = "normal",
};
static const char *socket_path, *control_path;
static const char *quirk_texts[32];
static unsigned int quirk_count;

/* 0 or -EINVAL. */
static int take_option(int code, char *value)
{
	switch (code) {
	case SOCKET:
		socket_path = value;
		return 0;
	case CONTROL:
		control_path = value;
		return 0;
	case FAMILY:
		host.family = family_find(value);
		return host.family ? 0 : -EINVAL;
	case CID:
		host.cid = strtoull(value, NULL, 0);
		return 0;
	case TOKEN:
		return parse_token(&host, value);
	case QUIRK:
		if (quirk_count == sizeof(quirk_texts) / sizeof(quirk_texts[0]))
			return -EINVAL;
		quirk_texts[quirk_count++] = value;
		return 0;
	case ENV:
		host.environment = value;
		return 0;
	case ENV_MODE:
		host.environment_mode = value;
		return 0;
	case LOG:
		host.log = fopen(value, "ae");
		return host.log ? 0 : -EINVAL;
	case SEED:
		host.random = strtoull(value, NULL, 0) | 1;
		return 0;
	case MAP:
		return address_add_map(value);
	case PORT:
		return parse_port(&host, value);
	case UNIX_ROOT:
		host.unix_root = value;
		return 0;
	case ONCE:
		once = true;
		return 0;
	default:
		return -EINVAL;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = handle_stop};
	struct rlimit files;
	int code, error;

	host.family = family_find("supermachine-0.7");
	while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (code == ASK)
			return ask(argc, argv);
		if (take_option(code, optarg))
			usage();
	}
	if (!socket_path || optind != argc)
		usage();
	host.is = host.family->behaviour;
	host.loopback = 0x7f400000 | ((uint32_t)getpid() & 0x3fffff);
	for (unsigned int i = 0; i < quirk_count; i++)
		if (quirk_set(&host.is, quirk_texts[i]))
			usage();
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	error = service_start(control_path, host.unix_root);
	if (error)
		fail("services", error);
	host.started = now_ms();
	host.vhost.device_features = F_DGRAM | F_VERSION_1;
	if (host.is.in_order)
		host.vhost.device_features |= F_IN_ORDER;
	put_le64(host.vhost.config, host.cid);
	host.vhost.kicked = host_kicked;
	host.vhost.disconnected = front_end_gone;
	host.vhost.arg = &host;
	error = vhost_listen(&host.vhost, socket_path);
	if (error)
		fail(socket_path, error);
	error = control_path ? command_listen(&host, control_path) : 0;
	if (error)
		fail(control_path, error);
	puts("ready");
	fflush(stdout);
	loop_run(&stop);
	front_end_gone(&host);
	vhost_close(&host.vhost);
	unlink(socket_path);
	if (control_path)
		unlink(control_path);
	return 0;
}
