// SPDX-License-Identifier: Apache-2.0
/* The kernel command line, in whole words, and what the words ask for. */
#include "init.h"

static const char TOKEN[] = "supermachine.tsi_token=";
static const char HOST_TIME[] = "supermachine.host_time=";
static const uint64_t PLAUSIBLE_TIME = 1000000000;
static const uint64_t DEFAULT_TIME = 1735689600; /* 2025-01-01 UTC */

static char *command_line;

void set_parameters(const char *line)
{
	free(command_line);
	command_line = join(line, "");
}

void read_parameters(void)
{
	struct text line = {0};
	int error = read_file("/proc/cmdline", &line);
	if (error)
		complain(-error, "/proc/cmdline");
	text_add(&line, "", 0);
	set_parameters(line.data);
	text_free(&line);
}

/* Words end at blanks outside double quotes, as in the kernel's parser. */
bool next_parameter(struct span *rest, struct span *ret)
{
	bool quoted = false;
	while (rest->len && strchr(" \t\r\n", *rest->at)) {
		rest->at++;
		rest->len--;
	}
	*ret = (struct span){rest->at, 0};
	for (; rest->len && (quoted || !strchr(" \t\r\n", *rest->at));
		rest->at++, rest->len--) {
		quoted ^= *rest->at == '"';
		ret->len++;
	}
	return ret->len;
}

bool parameter_present(const char *word)
{
	struct span rest = span_of(command_line ? command_line : ""), found;
	while (next_parameter(&rest, &found))
		if (span_is(found, word))
			return true;
	return false;
}

/* The value of a word KEY=VALUE; false for any other word. */
static bool parameter_value(struct span word, const char *key, struct span *ret)
{
	size_t len = strlen(key);
	if (word.len < len || memcmp(word.at, key, len))
		return false;
	*ret = (struct span){word.at + len, word.len - len};
	return true;
}

/* The first valid one wins. */
bool find_host_time(struct span line, uint64_t *ret)
{
	struct span word, value;
	while (next_parameter(&line, &word))
		if (parameter_value(word, HOST_TIME, &value) &&
			span_number(value, INT64_MAX, ret) && *ret > PLAUSIBLE_TIME)
			return true;
	return false;
}

/* A machine without an RTC starts in 1970; a clock that somebody set is left alone. */
void set_clock(void)
{
	struct timespec now;
	uint64_t seconds = DEFAULT_TIME;
	if (!clock_gettime(CLOCK_REALTIME, &now) && now.tv_sec > (time_t)PLAUSIBLE_TIME)
		return;
	if (!find_host_time(span_of(command_line), &seconds))
		seconds = DEFAULT_TIME;
	now = (struct timespec){.tv_sec = (time_t)seconds};
	if (clock_settime(CLOCK_REALTIME, &now))
		complain(errno, "set the clock");
}

/* Overwrites the digits of the control token; false when none are there. */
bool mask_token(char *line)
{
	struct span rest = span_of(line), word, value;
	bool masked = false;
	while (next_parameter(&rest, &word)) {
		if (!parameter_value(word, TOKEN, &value))
			continue;
		for (char *p = line + (value.at - line); p < value.at + value.len; p++) {
			masked |= *p != '*';
			*p = '*';
		}
	}
	return masked;
}

/* For kernels that leave the token readable: a masked copy covers the file. */
void hide_token(void)
{
	static const char cover[] = "/run/supermachine-cmdline";
	if (!mask_token(command_line))
		return;
	int error = replace_file(cover, span_of(command_line), 0444);
	if (!error && mount(cover, "/proc/cmdline", NULL, MS_BIND, NULL))
		error = -errno;
	if (error)
		complain(-error, "hide the control token");
}
