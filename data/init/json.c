// SPDX-License-Identifier: Apache-2.0
/*
 * The environment message: one JSON object (RFC 8259) whose members "env" and "secrets"
 * map names to strings. Strict: a text that is not JSON in UTF-8 from its first byte to
 * its last is refused as a whole. Strings are decoded in place; their decoded form is
 * never longer.
 */
#include "init.h"

struct json {
	char *start, *at, *end;
};

static void json_space(struct json *j)
{
	while (j->at < j->end && *j->at && strchr(" \t\r\n", *j->at))
		j->at++;
}

static bool json_accept(struct json *j, char c)
{
	json_space(j);
	if (j->at == j->end || *j->at != c)
		return false;
	j->at++;
	return true;
}

static bool json_next_is(struct json *j, char c)
{
	json_space(j);
	return j->at < j->end && *j->at == c;
}

/* Four hexadecimal digits, or -1. */
static int json_hex4(struct json *j)
{
	int value = 0;
	if (j->end - j->at < 4)
		return -1;
	for (int i = 0; i < 4; i++, j->at++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = *j->at ? strchr(digits, *j->at) : NULL;
		if (!digit)
			return -1;
		value = value << 4 | ((digit - digits) & 15);
	}
	return value;
}

static char *put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c >= 0x10000) {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
	} else if (c >= 0x800) {
		*out++ = (char)(0xe0 | c >> 12);
	}
	*out++ = c >= 0x800 ? (char)(0x80 | (c >> 6 & 0x3f)) : (char)(0xc0 | c >> 6);
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

/* What follows \u: one unit, or both halves of a surrogate pair. */
static bool json_unicode(struct json *j, char **out)
{
	int c = json_hex4(j);
	if (c >= 0xd800 && c < 0xdc00) {
		if (j->end - j->at < 2 || *j->at++ != '\\' || *j->at++ != 'u')
			return false;
		int low = json_hex4(j);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c < 0 || (c >= 0xdc00 && c < 0xe000)) {
		return false;
	}
	*out = put_utf8(*out, (unsigned)c);
	return true;
}

static bool json_escape(struct json *j, char **out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	if (j->at == j->end)
		return false;
	char c = *j->at++;
	if (c == 'u')
		return json_unicode(j, out);
	const char *name = c ? strchr(names, c) : NULL;
	if (name)
		*(*out)++ = values[name - names];
	return name;
}

/* One character of more than one byte: no overlong form, no surrogate, none above
 * U+10FFFF. */
static bool json_utf8(struct json *j, char **out)
{
	unsigned char first = (unsigned char)*j->at;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	unsigned c = first & (0x3f >> more);
	if (first < 0xc2 || first > 0xf4 || j->end - j->at <= more)
		return false;
	for (int i = 1; i <= more; i++) {
		unsigned char next = (unsigned char)j->at[i];
		if ((next & 0xc0) != 0x80)
			return false;
		c = c << 6 | (next & 0x3f);
	}
	if ((more == 2 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
		(more == 3 && (c < 0x10000 || c > 0x10ffff)))
		return false;
	j->at += more + 1;
	*out = put_utf8(*out, c);
	return true;
}

static bool json_string(struct json *j, struct span *ret)
{
	if (!json_accept(j, '"'))
		return false;
	char *out = j->at;
	ret->at = out;
	while (j->at < j->end) {
		unsigned char c = (unsigned char)*j->at;
		if (c == '"') {
			ret->len = (size_t)(out - ret->at);
			j->at++;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c >= 0x80) {
			if (!json_utf8(j, &out))
				return false;
			continue;
		}
		j->at++;
		if (c != '\\')
			*out++ = (char)c;
		else if (!json_escape(j, &out))
			return false;
	}
	return false;
}

static bool json_digits(struct json *j)
{
	char *start = j->at;
	while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
		j->at++;
	return j->at > start;
}

static bool json_number(struct json *j)
{
	if (*j->at == '-')
		j->at++;
	char *first = j->at;
	if (!json_digits(j) || (*first == '0' && j->at > first + 1))
		return false;
	if (j->at < j->end && *j->at == '.') {
		j->at++;
		if (!json_digits(j))
			return false;
	}
	if (j->at < j->end && (*j->at | 0x20) == 'e') {
		j->at++;
		if (j->at < j->end && (*j->at == '+' || *j->at == '-'))
			j->at++;
		return json_digits(j);
	}
	return true;
}

/* A string, number or literal. */
static bool json_scalar(struct json *j)
{
	static const char *const literals[] = {"true", "false", "null"};
	struct span ignored;
	json_space(j);
	for (int i = 0; i < 3; i++) {
		size_t len = strlen(literals[i]);
		if ((size_t)(j->end - j->at) >= len && !memcmp(j->at, literals[i], len)) {
			j->at += len;
			return true;
		}
	}
	if (j->at == j->end)
		return false;
	return *j->at == '"' ? json_string(j, &ignored) : json_number(j);
}

/* Skips any value. OPEN holds the closing bracket of each level: no recursion. */
static bool json_skip_nested(struct json *j, struct text *open)
{
	struct span ignored;
	do {
		bool first = false;
		if (json_accept(j, '{')) {
			text_add(open, "}", 1);
			first = true;
		} else if (json_accept(j, '[')) {
			text_add(open, "]", 1);
			first = true;
		} else if (!json_scalar(j)) {
			return false;
		}
		while (open->len && json_accept(j, open->data[open->len - 1])) {
			open->len--;
			first = false;
		}
		if (!open->len)
			return true;
		if (!first && !json_accept(j, ','))
			return false;
		if (open->data[open->len - 1] == '}' &&
			!(json_string(j, &ignored) && json_accept(j, ':')))
			return false;
	} while (true);
}

static bool json_skip(struct json *j)
{
	struct text open = {0};
	bool ok = json_skip_nested(j, &open);
	text_free(&open);
	return ok;
}

static void refuse_member(struct span name, const char *why)
{
	char *copy = span_copy(name);
	say("environment: ", copy, why);
	free(copy);
}

static bool name_usable(struct span name)
{
	return name.len && !memchr(name.at, '=', name.len) &&
	       !memchr(name.at, 0, name.len);
}

static bool json_pair(struct json *j, struct environment *e)
{
	struct span name, value;
	if (!json_string(j, &name) || !json_accept(j, ':'))
		return false;
	if (!json_next_is(j, '"')) {
		refuse_member(name, ": skipped, not a string");
		return json_skip(j);
	}
	if (!json_string(j, &value))
		return false;
	if (!name_usable(name))
		refuse_member(name, ": skipped, not a name");
	else if (memchr(value.at, 0, value.len))
		refuse_member(name, ": skipped, NUL in the value");
	else
		environment_set(e, name, value);
	return true;
}

static bool json_pairs(struct json *j, struct environment *e)
{
	json_accept(j, '{');
	if (json_accept(j, '}'))
		return true;
	do
		if (!json_pair(j, e))
			return false;
	while (json_accept(j, ','));
	return json_accept(j, '}');
}

static bool json_member(
	struct json *j, struct environment *env, struct environment *secrets)
{
	struct span name;
	if (!json_string(j, &name) || !json_accept(j, ':'))
		return false;
	bool is_env = span_is(name, "env");
	if (!is_env && !span_is(name, "secrets"))
		return json_skip(j);
	if (json_next_is(j, '{'))
		return json_pairs(j, is_env ? env : secrets);
	refuse_member(name, ": skipped, not an object");
	return json_skip(j);
}

static bool json_message(
	struct json *j, struct environment *env, struct environment *secrets)
{
	if (!json_accept(j, '{'))
		return false;
	if (!json_accept(j, '}')) {
		do
			if (!json_member(j, env, secrets))
				return false;
		while (json_accept(j, ','));
		if (!json_accept(j, '}'))
			return false;
	}
	json_space(j);
	return j->at == j->end;
}

/* Malformed: -EINVAL, the place in *RET_WHERE, and both environments are empty. */
int parse_environment(char *text, size_t len, struct environment *env,
	struct environment *secrets, size_t *ret_where)
{
	struct json j = {text, text, text + len};
	if (json_message(&j, env, secrets))
		return 0;
	environment_free(env);
	environment_free(secrets);
	*ret_where = (size_t)(j.at - j.start);
	return -EINVAL;
}
