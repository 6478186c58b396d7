// SPDX-License-Identifier: Apache-2.0
/*
 * user[:group], as names or decimal ids, looked up in the image's own passwd and group
 * files. A digit string is an id and never a name; ids end below 2^32 - 1, which
 * setuid(2) takes for "unchanged", so no number can wrap round to root.
 */
#include "init.h"

enum { FIELDS = 7 };
static const uint64_t MAX_ID = 4294967294;

/* The colon-separated fields of a line; how many there were. */
static size_t split_fields(struct span line, struct span *fields)
{
	size_t n = 0;
	while (n < FIELDS && span_cut(&line, ':', &fields[n]))
		n++;
	return n;
}

static bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

static bool all_digits(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	return s.len;
}

struct passwd_entry {
	struct span name, home;
	uint64_t uid, gid;
};

/* By uid when NAME is empty. Lines that are no entries are passed over. */
static bool find_passwd(
	struct span file, struct span name, uint64_t uid, struct passwd_entry *ret)
{
	struct span line, f[FIELDS];
	while (span_cut(&file, '\n', &line)) {
		if (split_fields(line, f) < 6 || !f[0].len ||
			!span_number(f[2], MAX_ID, &ret->uid) ||
			!span_number(f[3], MAX_ID, &ret->gid))
			continue;
		if (name.len ? !span_equal(f[0], name) : ret->uid != uid)
			continue;
		ret->name = f[0];
		ret->home = f[5];
		return true;
	}
	return false;
}

static bool find_group(struct span file, struct span name, uint64_t *ret_gid)
{
	struct span line, f[FIELDS];
	while (span_cut(&file, '\n', &line))
		if (split_fields(line, f) >= 3 && span_equal(f[0], name) &&
			span_number(f[2], MAX_ID, ret_gid))
			return true;
	return false;
}

static void add_group(struct account *a, uint32_t gid)
{
	for (size_t i = 0; i < a->group_count; i++)
		if (a->groups[i] == gid)
			return;
	a->groups = allocate(a->groups, (a->group_count + 1) * sizeof(*a->groups));
	a->groups[a->group_count++] = gid;
}

static void add_memberships(struct account *a, struct span file, struct span name)
{
	struct span line, member, f[FIELDS];
	uint64_t gid;
	while (span_cut(&file, '\n', &line)) {
		if (split_fields(line, f) < 4 || !span_number(f[2], MAX_ID, &gid))
			continue;
		while (span_cut(&f[3], ',', &member))
			if (span_equal(member, name))
				add_group(a, (uint32_t)gid);
	}
}

/* -EINVAL with the problem in words. An explicit group stands alone. */
int find_account(struct span spec, struct span passwd, struct span group,
	struct account *ret, const char **ret_problem)
{
	struct span user = {0}, group_name = {0};
	struct passwd_entry entry = {.name = {0}};
	uint64_t uid = 0, gid;

	span_cut(&spec, ':', &user);
	if (spec.at)
		group_name = spec;
	bool by_name = user.len && !all_digits(user);
	*ret_problem = "unknown user ";
	if (user.len && !by_name && !span_number(user, MAX_ID, &uid))
		return -EINVAL;
	bool found = find_passwd(passwd, by_name ? user : (struct span){0}, uid, &entry);
	if (by_name && !found)
		return -EINVAL;
	gid = found ? entry.gid : 0;
	*ret_problem = "unknown group in ";
	if (group_name.len &&
		!(all_digits(group_name) ? span_number(group_name, MAX_ID, &gid)
					 : find_group(group, group_name, &gid)))
		return -EINVAL;

	*ret = (struct account){
		.uid = (uint32_t)(found ? entry.uid : uid), .gid = (uint32_t)gid};
	ret->home = found && entry.home.len ? span_copy(entry.home) : join("/", "");
	add_group(ret, ret->gid);
	if (found && !group_name.len)
		add_memberships(ret, group, entry.name);
	return 0;
}
