// SPDX-License-Identifier: Apache-2.0
/* An environment: NAME=VALUE strings in the order of their names' first appearance. A
   hash table finds a name, for a host may send tens of thousands. */
#include "init.h"

static size_t hash_name(struct span name)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)name.at[i]) * 16777619u;
	return hash;
}

static struct span name_of(const char *entry)
{
	return (struct span){entry, (size_t)(strchr(entry, '=') - entry)};
}

/* The slot of a name, or the free one where it would go. */
static size_t *find_slot(const struct environment *e, struct span name)
{
	size_t i = hash_name(name);
	for (;; i++) {
		size_t *slot = &e->slots[i & (e->slot_count - 1)];
		if (!*slot)
			return slot;
		struct span other = name_of(e->list.items[*slot - 1]);
		if (other.len == name.len && !memcmp(other.at, name.at, name.len))
			return slot;
	}
}

static void grow_slots(struct environment *e)
{
	e->slot_count = e->slot_count ? e->slot_count * 2 : 64;
	e->slots = allocate(e->slots, e->slot_count * sizeof(*e->slots));
	memset(e->slots, 0, e->slot_count * sizeof(*e->slots));
	for (size_t i = 0; i < e->list.count; i++)
		*find_slot(e, name_of(e->list.items[i])) = i + 1;
}

void environment_set(struct environment *e, struct span name, struct span value)
{
	if (e->list.count * 2 >= e->slot_count)
		grow_slots(e);
	char *entry = allocate(NULL, name.len + value.len + 2);
	memcpy(entry, name.at, name.len);
	entry[name.len] = '=';
	memcpy(entry + name.len + 1, value.at, value.len);
	entry[name.len + 1 + value.len] = 0;

	size_t *slot = find_slot(e, name);
	if (*slot) {
		free(e->list.items[*slot - 1]);
		e->list.items[*slot - 1] = entry;
	} else {
		list_add(&e->list, entry);
		*slot = e->list.count;
	}
}

const char *environment_get(const struct environment *e, const char *name)
{
	size_t slot = e->slot_count ? *find_slot(e, span_of(name)) : 0;
	return slot ? e->list.items[slot - 1] + strlen(name) + 1 : NULL;
}

void environment_default(struct environment *e, const char *name, const char *value)
{
	if (!environment_get(e, name))
		environment_set(e, span_of(name), span_of(value));
}

void environment_merge(struct environment *e, const struct environment *over)
{
	for (size_t i = 0; i < over->list.count; i++) {
		struct span name = name_of(over->list.items[i]);
		environment_set(e, name, span_of(over->list.items[i] + name.len + 1));
	}
}

void environment_free(struct environment *e)
{
	for (size_t i = 0; i < e->list.count; i++)
		free(e->list.items[i]);
	free(e->list.items);
	free(e->slots);
	*e = (struct environment){0};
}
