// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that the host or the image writes and PID 1 parses. The first byte of an input chooses
 * the parser. With -DLIBFUZZER (clang -fsanitize=fuzzer) a fuzz target; else: fuzz SECONDS FILE...
 * replays the files and then mutations of them from a fixed seed.
 */
#define main init_main
#include "init-oci.c"
#undef main
#include <assert.h>

static void check_environment(const struct environment *e)
{
	for (size_t i = 0; i < e->list.count; i++) {
		const char *entry = e->list.items[i], *equals = strchr(entry, '=');
		assert(equals && equals > entry);
		char *name = span_copy((struct span){ entry, (size_t)(equals - entry) });
		assert(environment_get(e, name) == equals + 1);
		free(name);
	}
}

static void fuzz_json(char *data, size_t len)
{
	struct environment env = { 0 }, secrets = { 0 };
	size_t where = 0;
	if (parse_environment(data, len, &env, &secrets, &where))
		assert(where <= len && !env.list.count && !secrets.list.count);
	check_environment(&env);
	check_environment(&secrets);
	environment_merge(&env, &secrets);
	check_environment(&env);
	environment_free(&env);
	environment_free(&secrets);
}

/* Three parts, separated by NUL: user, passwd, group. */
static void fuzz_account(char *data, size_t len)
{
	struct span rest = { data, len }, part[3] = { { "", 0 }, { "", 0 }, { "", 0 } };
	struct account a = { 0 };
	const char *problem;
	for (int i = 0; i < 3; i++)
		span_cut(&rest, 0, &part[i]);
	if (!find_account(part[0], part[1], part[2], &a, &problem)) {
		assert(a.uid <= MAX_ID && a.gid <= MAX_ID && a.group_count && a.groups[0] == a.gid && a.home);
		free(a.home);
		free(a.groups);
	}
}

static void fuzz_arguments(char *data, size_t len, char separator)
{
	struct text file = { 0 };
	struct list got = { 0 };
	size_t total = 0;
	text_add(&file, data, len);
	int error = split_arguments(&file, separator, &got);
	for (size_t i = 0; i < got.count; i++)
		total += strlen(got.items[i]) + 1;
	assert(error || !got.count || total >= len);
	assert(error || !got.count || *got.items[0]);
	text_free(&file);
	free(got.items);
}

static void fuzz_parameters(char *data, size_t len)
{
	char *line = span_copy((struct span){ data, len }), *again;
	uint64_t seconds;
	assert(!find_host_time(span_of(line), &seconds) || seconds > PLAUSIBLE_TIME);
	set_parameters(line);
	parameter_present("supermachine.kcache=1");
	size_t before = strlen(line);
	mask_token(line);
	again = span_copy(span_of(line));
	assert(strlen(line) == before && !mask_token(again));
	free(again);
	free(line);
}

static void fuzz_names(char *data, size_t len)
{
	struct span file = { data, len };
	struct text once = { 0 }, twice = { 0 };
	resolver_usable(file);
	hostname_valid(file);
	hosts_text(file, "box", &once);
	hosts_text(text_span(&once), "box", &twice);
	assert(twice.len == once.len); /* nothing is missing any more */
	text_free(&once);
	text_free(&twice);
}

static int fuzz_root = -1;

/* No path leads out of a root that has nothing above it to be seen. */
static void fuzz_path(char *data, size_t len)
{
	char *path = span_copy((struct span){ data, len < 200 ? len : 200 });
	char link[64], found[PATH_MAX] = "", base[PATH_MAX] = "";
	int fd = make_path(fuzz_root, path, FOLLOWED_LINKS);
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		assert(readlink(link, found, sizeof(found) - 1) > 0);
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fuzz_root);
		assert(readlink(link, base, sizeof(base) - 1) > 0);
		assert(!strncmp(found, base, strlen(base)));
		close(fd);
	}
	free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	if (!size)
		return 0;
	if (fuzz_root < 0) {
		static char dir[PATH_MAX];
		const char *base = getenv("TMPDIR");
		snprintf(dir, sizeof(dir), "%s/init-fuzz.XXXXXX", base ? base : "/tmp");
		console_fd = open("/dev/null", O_WRONLY);
		assert(mkdtemp(dir));
		fuzz_root = open(dir, O_PATH | O_DIRECTORY);
		assert(!symlinkat("../../up", fuzz_root, "a") && !symlinkat("/b/c", fuzz_root, "l"));
	}
	char *data = malloc(size - 1 ? size - 1 : 1);
	memcpy(data, input + 1, size - 1);
	switch (input[0]) {
	case 'j': fuzz_json(data, size - 1); break;
	case 'u': fuzz_account(data, size - 1); break;
	case 'l': fuzz_arguments(data, size - 1, '\n'); break;
	case 'n': fuzz_arguments(data, size - 1, 0); break;
	case 'p': fuzz_parameters(data, size - 1); break;
	case 'h': fuzz_names(data, size - 1); break;
	case 'd': fuzz_path(data, size - 1); break;
	}
	free(data);
	return 0;
}

#ifndef LIBFUZZER
static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* A few bytes changed, removed, repeated or taken from what parsers care about. */
static size_t mutate(uint8_t *data, size_t len, size_t size)
{
	static const char liked[] = "\"\\{}[],:=/.\n\0 0ud8\xed\xf4-eE#*";
	for (unsigned n = 1 + next_random() % 6; n && len > 1; n--) {
		size_t at = 1 + next_random() % (len - 1);
		switch (next_random() % 5) {
		case 0: data[at] ^= (uint8_t)(1 << next_random() % 8); break;
		case 1: data[at] = (uint8_t)liked[next_random() % (sizeof(liked) - 1)]; break;
		case 2: memmove(data + at, data + at + 1, len - at - 1), len--; break;
		case 3:
			if (len < size)
				memmove(data + at + 1, data + at, len - at), len++;
			break;
		case 4: len = at; break;
		}
	}
	return len;
}

int main(int argc, char **argv)
{
	static uint8_t input[1 << 16], changed[1 << 16];
	long runs = 0;
	long long end = milliseconds() + (argc > 1 ? atol(argv[1]) : 0) * 1000;
	do {
		for (int i = 2; i < argc; i++) {
			int fd = open(argv[i], O_RDONLY);
			ssize_t n = read(fd, input, sizeof(input));
			close(fd);
			assert(n > 0);
			LLVMFuzzerTestOneInput(input, (size_t)n);
			for (int turn = 0; turn < 20; turn++, runs++) {
				memcpy(changed, input, (size_t)n);
				size_t len = mutate(changed, (size_t)n, sizeof(changed));
				LLVMFuzzerTestOneInput(changed, len);
			}
		}
	} while (milliseconds() < end);
	printf("%ld inputs\n", runs);
	return argc < 3;
}
#endif
