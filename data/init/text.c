// SPDX-License-Identifier: Apache-2.0
/* Bytes with a length, growing strings, lists of strings. */
#include "init.h"

struct span span_of(const char *string)
{
	return (struct span){string, strlen(string)};
}

struct span text_span(const struct text *t)
{
	return (struct span){t->data ? t->data : "", t->len};
}

bool span_is(struct span s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.at, word, s.len);
}

/* Cuts off what precedes the next separator; an empty rest is one empty piece. */
bool span_cut(struct span *rest, char separator, struct span *ret)
{
	if (!rest->at)
		return false;
	const char *end = memchr(rest->at, separator, rest->len);
	if (!end) {
		*ret = *rest;
		rest->at = NULL;
		return true;
	}
	*ret = (struct span){rest->at, (size_t)(end - rest->at)};
	rest->len -= ret->len + 1;
	rest->at = end + 1;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cuts off the next word between blanks. */
bool span_word(struct span *rest, struct span *ret)
{
	for (; rest->len && is_blank(*rest->at); rest->len--)
		rest->at++;
	*ret = (struct span){rest->at, 0};
	for (; rest->len && !is_blank(*rest->at); rest->len--, ret->len++)
		rest->at++;
	return ret->len;
}

struct span span_trim_end(struct span s, const char *unwanted)
{
	while (s.len && s.at[s.len - 1] && strchr(unwanted, s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Decimal digits and nothing else, at most MAX. */
bool span_number(struct span s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.at[i] - '0';
		if (digit > 9 || digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*ret = n;
	return s.len;
}

void *allocate(void *old, size_t size)
{
	void *memory = realloc(old, size);
	if (!memory)
		fatal(ENOMEM, "memory");
	return memory;
}

char *span_copy(struct span s)
{
	char *copy = allocate(NULL, s.len + 1);
	memcpy(copy, s.at, s.len);
	copy[s.len] = 0;
	return copy;
}

void text_add(struct text *t, const void *data, size_t len)
{
	if (t->size <= t->len + len) {
		t->size = (t->len + len) * 2 + 64;
		t->data = allocate(t->data, t->size);
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = 0;
}

void text_adds(struct text *t, const char *string)
{
	text_add(t, string, strlen(string));
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

void list_add(struct list *l, char *item)
{
	if (l->size <= l->count + 1) {
		l->size = l->size * 2 + 16;
		l->items = allocate(l->items, l->size * sizeof(*l->items));
	}
	l->items[l->count++] = item;
	l->items[l->count] = NULL;
}

/* For messages: the result is overwritten by the fourth call after this one. */
const char *decimal(long long n)
{
	static char buffers[4][24];
	static unsigned turn;
	char *p = buffers[turn++ % 4] + 23;
	unsigned long long left = n < 0 ? -(unsigned long long)n : (unsigned long long)n;

	*p = 0;
	do
		*--p = '0' + left % 10;
	while (left /= 10);
	if (n < 0)
		*--p = '-';
	return p;
}

char *join(const char *a, const char *b)
{
	struct text t = {0};
	text_adds(&t, a);
	text_adds(&t, b);
	return t.data;
}
