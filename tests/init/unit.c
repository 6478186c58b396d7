// SPDX-License-Identifier: Apache-2.0
/* Every parser and pure function of init-oci, and path resolution in a directory of its own.
   TAP on stdout. Includes the joined source, so that static functions are in reach. */
#define main init_main
#include "init-oci.c"
#undef main
#include <assert.h>
#include <ftw.h>

static int checks, failures;

#define CHECK(condition, ...) check(condition, #condition, __VA_ARGS__)

static void check(bool ok, const char *condition, const char *name)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++checks, name);
	if (!ok)
		printf("# failed: %s\n", condition);
	failures += !ok;
}

static struct span bytes(const char *data, size_t len)
{
	return (struct span){ data, len };
}

/* What the console shows while something runs. */
static char *console_text(void (*run)(void))
{
	static char shown[1 << 16];
	int pipe_fds[2];
	assert(!pipe(pipe_fds));
	console_fd = pipe_fds[1];
	run();
	close(pipe_fds[1]);
	ssize_t n = read(pipe_fds[0], shown, sizeof(shown) - 1);
	shown[n < 0 ? 0 : n] = 0;
	close(pipe_fds[0]);
	console_fd = open("/dev/null", O_WRONLY);
	return shown;
}

static void test_spans(void)
{
	struct span rest = span_of("a::b"), piece;
	CHECK(span_cut(&rest, ':', &piece) && span_is(piece, "a"), "cut: first piece");
	CHECK(span_cut(&rest, ':', &piece) && !piece.len, "cut: empty piece in the middle");
	CHECK(span_cut(&rest, ':', &piece) && span_is(piece, "b"), "cut: last piece");
	CHECK(!span_cut(&rest, ':', &piece), "cut: end");
	rest = span_of("x:");
	span_cut(&rest, ':', &piece);
	CHECK(span_cut(&rest, ':', &piece) && !piece.len, "cut: empty piece after the last separator");

	uint64_t n;
	CHECK(span_number(span_of("4294967294"), MAX_ID, &n) && n == 4294967294, "number: maximum");
	CHECK(!span_number(span_of("4294967295"), MAX_ID, &n), "number: above the maximum");
	CHECK(!span_number(span_of("18446744073709551617"), MAX_ID, &n), "number: beyond 64 bits");
	CHECK(!span_number(span_of("99999999999999999999999999"), UINT64_MAX, &n), "number: far beyond");
	CHECK(span_number(span_of("18446744073709551615"), UINT64_MAX, &n) && n == UINT64_MAX,
		"number: all of 64 bits");
	CHECK(span_number(span_of("3"), 5, &n) && !span_number(span_of("7"), 5, &n),
		"number: a digit above the maximum");
	CHECK(!span_number(span_of(""), 9, &n) && !span_number(span_of("-1"), 9, &n) &&
		!span_number(span_of("1x"), 9, &n) && !span_number(span_of(" 1"), 9, &n),
		"number: empty, sign, rubbish, blank");
	CHECK(!strcmp(decimal(0), "0") && !strcmp(decimal(-12), "-12") &&
		!strcmp(decimal(LLONG_MIN), "-9223372036854775808"), "decimal");
}

static void show_odd_line(void)
{
	complain(ENOENT, "a\nb\x7f\tc\xc3\xa9");
}

static void show_long_line(void)
{
	static char word[5000];
	memset(word, 'x', sizeof(word) - 1);
	complain(EIO, word);
}

static void test_console(void)
{
	CHECK(!strcmp(console_text(show_odd_line),
		"init-oci: a\\x0ab\\x7f\\x09c\xc3\xa9: No such file or directory\n"),
		"console: control characters are escaped, others raw");
	const char *line = console_text(show_long_line);
	CHECK(strlen(line) < 1100 && strstr(line, "x ...: Input/output error\n"),
		"console: a long line is cut and keeps its reason");
}

static struct environment env, secrets;
static size_t where;

static int parse(const char *json, size_t len)
{
	environment_free(&env);
	environment_free(&secrets);
	char *copy = malloc(len + 1);
	memcpy(copy, json, len);
	int result = parse_environment(copy, len, &env, &secrets, &where);
	free(copy);
	return result;
}

static bool parses(const char *json)
{
	return !parse(json, strlen(json));
}

static bool env_is(const char *name, const char *value)
{
	const char *found = environment_get(&env, name);
	return found && !strcmp(found, value);
}

static void test_json_accepts(void)
{
	CHECK(parses("{\"env\":{},\"secrets\":{}}") && !env.list.count, "json: nothing configured");
	CHECK(parses("{\"env\":{},\"secrets\":{\"S\":\"1\"}}") && secrets.list.count == 1 &&
		!environment_get(&env, "secrets"), "json: an empty env does not eat secrets");
	CHECK(parses(" {\n\t\"env\" : {\r\n \"A\" : \"b\" , \"C\":\"d\" } }\n ") &&
		env_is("A", "b") && env_is("C", "d"), "json: pretty-printed");
	CHECK(parses("{\"env\":{\"Q\":\"a\\\"b\\\\c\\nd\\re\\tf\\bg\\fh\\/i\"}}") &&
		env_is("Q", "a\"b\\c\nd\re\tf\bg\fh/i"), "json: escapes");
	CHECK(parses("{\"env\":{\"U\":\"\\u00e9\\u20ac\\ud83d\\uDE00\"}}") &&
		env_is("U", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "json: \\u of 2, 3 and 4 bytes");
	CHECK(parses("{\"env\":{\"U\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}}") &&
		env_is("U", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "json: raw UTF-8");
	CHECK(parses("{\"env\":{\"A\":\",}\\\",\\\"B\\\":\\\"C\\\"\"}}") &&
		env_is("A", ",}\",\"B\":\"C\"") && env.list.count == 1, "json: a value cannot inject");
	CHECK(parses("{\"x\":[1,-0.5e+3,{\"env\":{\"N\":\"1\"}},[[]],null],\"env\":{\"A\":\"1\"},\"y\":{}}") &&
		env.list.count == 1 && env_is("A", "1"), "json: unknown members and nested env are skipped");
	CHECK(parses("{\"env\":{\"A\":\"1\",\"A\":\"2\"},\"env\":{\"B\":\"3\"}}") && env_is("A", "2") &&
		env_is("B", "3") && env.list.count == 2, "json: of duplicates the last wins");
	CHECK(parses("{\"env\":{\"\":\"x\",\"A=B\":\"x\",\"N\\u0000\":\"x\",\"V\":\"\\u0000\",\"n\":1,"
		"\"z\":null,\"o\":{\"a\":[]},\"ok\":\"y\"}}") && env.list.count == 1 && env_is("ok", "y"),
		"json: unusable members are skipped, the others apply");
	CHECK(parses("{\"env\":[],\"secrets\":null}"), "json: env of another type is skipped");
	CHECK(parses("{}") && parses("{\"env\":{\"E\":\"\"}}") && env_is("E", ""), "json: empty value");
}

static void show_refused(void)
{
	parses("{\"env\":{\"NAME\":{\"hidden\":\"s3cret\"},\"A=B\":\"s3cret\",\"C\":\"s3cret\\u0000\"}}");
}

static void test_json_refuses(void)
{
	static const char *const bad[] = {
		"", " ", "{", "}", "[]", "\"env\"", "null", "{\"env\":{\"A\":\"1\"}} x", "{\"env\":{\"A\":\"1\"}",
		"{\"env\":{\"A\":\"1\",}}", "{\"env\":{\"A\" \"1\"}}", "{\"env\":{A:\"1\"}}", "{,}", "{\"a\":1,}",
		"{\"env\":{\"A\":\"\\x\"}}", "{\"env\":{\"A\":\"\\u12\"}}", "{\"env\":{\"A\":\"\\ud83d\"}}",
		"{\"env\":{\"A\":\"\\ud83d\\u0041\"}}", "{\"env\":{\"A\":\"\\ude00\"}}", "{\"env\":{\"A\":\"\n\"}}",
		"{\"env\":{\"A\":\"\xff\"}}", "{\"env\":{\"A\":\"\xc0\xaf\"}}", "{\"env\":{\"A\":\"\xed\xa0\x80\"}}",
		"{\"env\":{\"A\":\"\xf4\x90\x80\x80\"}}", "{\"env\":{\"A\":\"\xe2\x82\"}}", "{\"a\":01}", "{\"a\":1.}",
		"{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":-}", "{\"a\":tru}", "{\"a\":nullx}", "{\"a\":[1,]}",
		"{\"a\":[1 2]}", "{\"a\":[}", "{\"a\":{\"b\"}}", "{\"a\":[1}", "{\"a\"}", "{\"a\":}", "{'a':1}",
		"\xef\xbb\xbf{}", "{\"env\":{\"A\":\"1\"}}{}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char name[200];
		snprintf(name, sizeof(name), "json: refused: %.80s", bad[i]);
		for (char *p = name; *p; p++)
			if (*p == '\n' || *p == '#' || (*p & 0x80))
				*p = '?';
		check(!parses(bad[i]) && !env.list.count && !secrets.list.count, "refused", name);
	}
	CHECK(parse("{}\0", 3), "json: refused: NUL after the end");
	CHECK(!parses("{\"env\":{\"A\":\"1\"},!") && where == 17, "json: the place of the error");
	const char *shown = console_text(show_refused);
	CHECK(strstr(shown, "NAME") && strstr(shown, "A=B") && !strstr(shown, "s3cret"),
		"json: messages have names and no values");
}

static void test_json_sizes(void)
{
	struct text t = { 0 };
	text_adds(&t, "{\"env\":{");
	for (int i = 0; i < 31000; i++) {
		char pair[64];
		snprintf(pair, sizeof(pair), "%s\"NAME_%d\":\"the value %d of many\"", i ? "," : "", i, i);
		text_adds(&t, pair);
	}
	text_adds(&t, "}}");
	CHECK(t.len > 1 << 20 && parses(t.data) && env.list.count == 31000 &&
		env_is("NAME_29999", "the value 29999 of many"), "json: a document of 1 MiB");
	bool torn = true;
	for (size_t len = t.len - 40; len < t.len; len++)
		torn &= parse(t.data, len) && !env.list.count;
	CHECK(torn, "json: torn anywhere near its end, nothing is applied");
	t.len = 0;
	text_adds(&t, "{\"a\":");
	for (int i = 0; i < 310000; i++)
		text_adds(&t, "[");
	for (int i = 0; i < 310000; i++)
		text_adds(&t, "]");
	text_adds(&t, "}");
	CHECK(parses(t.data), "json: 300,000 levels");
	text_free(&t);
}

static void test_environment(void)
{
	struct environment a = { 0 }, b = { 0 };
	CHECK(!environment_get(&a, "X"), "environment: empty");
	environment_set(&a, span_of("X"), span_of("env"));
	environment_set(&b, span_of("X"), span_of("secret=with="));
	environment_merge(&a, &b);
	CHECK(!strcmp(environment_get(&a, "X"), "secret=with=") && a.list.count == 1, "environment: merge");
	environment_default(&a, "X", "no");
	environment_default(&a, "Y", "yes");
	CHECK(!strcmp(environment_get(&a, "X"), "secret=with=") && !strcmp(a.list.items[1], "Y=yes") &&
		!a.list.items[2], "environment: defaults fill gaps only");
	environment_free(&a);
	environment_free(&b);
}

static const char passwd[] =
	"root:x:0:0:root:/root:/bin/sh\n"
	"# comment\n"
	"broken:x:12\n"
	"huge:x:4294967296:0::/h:/bin/sh\n"
	"web:x:1000:1001:Web,,,:/srv/web:/bin/sh\n"
	"web:x:1:1::/second:/bin/sh\n"
	"1234:x:77:77::/digits:/bin/sh\n"
	"nohome:x:1002:1002:::/bin/sh\n";
static const char groups[] =
	"root:x:0:\nextra:x:2000:\nwheel:x:10:root,web\naudio:x:29:webx,xweb\nvideo:x:44:web\ndup:x:44:web\n"
	"bad:x:4294967295:web\nlast:x:50:web";

static struct account account;
static const char *problem;

static int look_up(const char *spec)
{
	free(account.home);
	free(account.groups);
	account = (struct account){ 0 };
	return find_account(span_of(spec), span_of(passwd), span_of(groups), &account, &problem);
}

static bool account_is(const char *spec, uint32_t uid, uint32_t gid, const char *home, const char *list)
{
	char text[200] = "";
	if (look_up(spec))
		return false;
	for (size_t i = 0; i < account.group_count; i++)
		sprintf(text + strlen(text), "%s%u", i ? "," : "", account.groups[i]);
	bool same = account.uid == uid && account.gid == gid && !strcmp(account.home, home) &&
		!strcmp(text, list);
	if (!same)
		printf("# %s: %u %u %s %s\n", spec, account.uid, account.gid, account.home, text);
	return same;
}

static void test_accounts(void)
{
	CHECK(account_is("web", 1000, 1001, "/srv/web", "1001,10,44,50"), "user: name");
	CHECK(account_is("1000", 1000, 1001, "/srv/web", "1001,10,44,50"), "user: id with an entry");
	CHECK(account_is("4711", 4711, 0, "/", "0"), "user: id without an entry");
	CHECK(account_is("1234", 1234, 0, "/", "0"), "user: digits are never a name");
	CHECK(account_is("web:extra", 1000, 2000, "/srv/web", "2000"), "user: explicit group stands alone");
	CHECK(account_is("1000:2000", 1000, 2000, "/srv/web", "2000"), "user: ids");
	CHECK(account_is("web:4294967294", 1000, 4294967294, "/srv/web", "4294967294"), "user: highest id");
	CHECK(account_is(":extra", 0, 2000, "/root", "2000"), "user: group alone is root's");
	CHECK(account_is("web:", 1000, 1001, "/srv/web", "1001,10,44,50"), "user: empty group");
	CHECK(account_is("", 0, 0, "/root", "0,10"), "user: empty is root");
	CHECK(account_is("nohome", 1002, 1002, "/", "1002"), "user: no home is /");
	CHECK(account_is("00", 0, 0, "/root", "0,10"), "user: leading zeros");
	static const char *const bad[] = { "nosuch", "4294967296", "4294967295", "-1", "web:nogroup",
		"web:4294967295", "web:-1", "huge", "broken", "web ", "18446744073709551616", "web:extra:x", "#" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char name[80];
		snprintf(name, sizeof(name), "user: refused: '%.40s'", *bad[i] == '#' ? "hash" : bad[i]);
		check(look_up(bad[i]) == -EINVAL, "refused", name);
	}
	char *line = malloc(1 << 20);
	struct text many = { 0 };
	memset(line, 'm', 1 << 20);
	text_adds(&many, "long:x:9:");
	text_add(&many, line, 1 << 20);
	text_adds(&many, ",web\n");
	CHECK(!find_account(span_of("web"), span_of(passwd), text_span(&many), &account, &problem) &&
		account.group_count == 2, "user: a group line of 1 MiB");
	free(line);
	text_free(&many);
}

static bool arguments_are(const char *data, size_t len, char separator, size_t count, const char **want)
{
	struct text file = { 0 };
	struct list got = { 0 };
	text_add(&file, data, len);
	bool same = !split_arguments(&file, separator, &got) && got.count == count;
	for (size_t i = 0; same && i < count; i++)
		same = !strcmp(got.items[i], want[i]);
	text_free(&file);
	free(got.items);
	return same;
}

static int arguments_fail(const char *data, size_t len, char separator)
{
	struct text file = { 0 };
	struct list got = { 0 };
	text_add(&file, data, len);
	int error = split_arguments(&file, separator, &got);
	text_free(&file);
	free(got.items);
	return error;
}

#define ARGUMENTS(text, separator, ...) \
	arguments_are(text, sizeof(text) - 1, separator, \
		sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), (const char *[]){ __VA_ARGS__ })

static void test_arguments(void)
{
	CHECK(ARGUMENTS("sh\n-c\nx\n", '\n', "sh", "-c", "x"), "arguments: lines");
	CHECK(ARGUMENTS("sh\n-c\nx", '\n', "sh", "-c", "x"), "arguments: no final newline");
	CHECK(ARGUMENTS("a\n  lead\n\ntab\t\ncr\rx\n\n", '\n', "a", "  lead", "", "tab\t", "cr\rx", ""),
		"arguments: blanks, empty ones, tabs and returns stay");
	CHECK(ARGUMENTS("sh\0-c\0one\ntwo\0\0", 0, "sh", "-c", "one\ntwo", ""), "arguments: by NUL");
	CHECK(ARGUMENTS("sh\0x", 0, "sh", "x"), "arguments: by NUL, last one open");
	CHECK(arguments_are("", 0, '\n', 0, NULL) && arguments_are(" \t\r\n\n", 5, '\n', 0, NULL) &&
		arguments_are("", 0, 0, 0, NULL), "arguments: nothing");
	CHECK(arguments_fail("a\0b\n", 4, '\n') == -EINVAL, "arguments: NUL in lines is refused");
	CHECK(arguments_fail("\nb\n", 3, '\n') == -EINVAL && arguments_fail("\0b\0", 3, 0) == -EINVAL,
		"arguments: an empty program is refused");
	struct text file = { 0 };
	struct list got = { 0 };
	for (int i = 0; i < 100000; i++)
		text_adds(&file, "argument\n");
	CHECK(!split_arguments(&file, '\n', &got) && got.count == 100000, "arguments: 100,000");
	text_free(&file);
	free(got.items);
}

static bool host_time_is(const char *line, uint64_t want)
{
	uint64_t got = 0;
	return find_host_time(span_of(line), &got) ? got == want : !want;
}

static void test_parameters(void)
{
	set_parameters("console=ttyAMA0 xsupermachine.kcache=1 supermachine.kcache=10 "
		"a=\"x supermachine.debug=1 y\" supermachine.host_ipv6=0\n");
	CHECK(!parameter_present("supermachine.kcache=1"), "parameter: no substring");
	CHECK(!parameter_present("supermachine.debug=1"), "parameter: not inside quotes");
	CHECK(parameter_present("supermachine.host_ipv6=0"), "parameter: before the line end");
	struct text t = { 0 };
	for (int i = 0; i < 500; i++)
		text_adds(&t, "filler=word ");
	text_adds(&t, "supermachine.kcache=1");
	set_parameters(t.data);
	CHECK(parameter_present("supermachine.kcache=1"), "parameter: after 6,000 bytes");
	text_free(&t);
	CHECK(host_time_is("quiet supermachine.host_time=1800000000", 1800000000), "host time");
	CHECK(host_time_is("xsupermachine.host_time=1800000000", 0), "host time: whole words");
	CHECK(host_time_is("supermachine.host_time=junk supermachine.host_time=1800000000x "
		"supermachine.host_time=1900000000 supermachine.host_time=1800000000", 1900000000),
		"host time: first valid one");
	CHECK(host_time_is("supermachine.host_time=1000000000", 0) &&
		host_time_is("supermachine.host_time=99999999999999999999", 0) &&
		host_time_is("supermachine.host_time=", 0), "host time: implausible");
	char line[] = "a supermachine.tsi_token=0123abc b=supermachine.tsi_token=77";
	CHECK(mask_token(line) && !strcmp(line, "a supermachine.tsi_token=******* b=supermachine.tsi_token=77"),
		"token: masked, other words unchanged");
	CHECK(!mask_token(line), "token: already masked");
}

static bool hosts_are(const char *old, const char *hostname, const char *want)
{
	struct text got = { 0 };
	hosts_text(span_of(old), hostname, &got);
	bool same = !strcmp(got.data ? got.data : "", want);
	if (!same)
		printf("# %s\n", got.data);
	text_free(&got);
	return same;
}

static void test_names(void)
{
#define V4 "127.0.0.1\tlocalhost\n"
#define V6 "::1\tlocalhost ip6-localhost ip6-loopback\n"
	CHECK(hosts_are("", "localhost", V4 V6), "hosts: empty");
	CHECK(hosts_are("", "box", V4 V6 "127.0.1.1\tbox\n"), "hosts: host name");
	CHECK(hosts_are("10.0.0.1 db", "box", "10.0.0.1 db\n" V4 V6 "127.0.1.1\tbox\n"), "hosts: own lines stay");
	CHECK(hosts_are("#127.0.0.1 localhost\n", "localhost", "#127.0.0.1 localhost\n" V4 V6), "hosts: comment");
	CHECK(hosts_are(V4 "::1 a localhost # x\n10.0.0.2 box\n", "box", V4 "::1 a localhost # x\n10.0.0.2 box\n"),
		"hosts: nothing is missing");
	CHECK(hosts_are("127.0.0.1 localhost.localdomain\n" V6, "localhost",
		"127.0.0.1 localhost.localdomain\n" V6 V4), "hosts: whole names");
	CHECK(resolver_usable(span_of("# x\n nameserver\t10.1.2.3\n")), "resolver: usable");
	CHECK(!resolver_usable(span_of("")) && !resolver_usable(span_of("nameserver 127.0.0.11\n")) &&
		!resolver_usable(span_of("#nameserver 10.1.2.3\nnameserver ::1\nnameserver\nsearch x\n")),
		"resolver: loopback and comments do not count");
	CHECK(resolver_usable(span_of("nameserver 127.0.0.11\nnameserver fd00::1")), "resolver: second one");
	CHECK(hostname_valid(span_of("a")) && !hostname_valid(span_of("")) && !hostname_valid(span_of("a b")) &&
		!hostname_valid(bytes("a\0b", 3)) && hostname_valid(bytes(
		"0123456789012345678901234567890123456789012345678901234567890123", 63)) &&
		!hostname_valid(bytes("0123456789012345678901234567890123456789012345678901234567890123", 64)),
		"host name: valid ones");
}

static void test_disks(void)
{
	struct list names = { 0 };
	static const char *const in[] = { "vdz", "vdaa", "vdb", "vdab", "vda", "vdzz" };
	static const char *const out[] = { "vda", "vdb", "vdz", "vdaa", "vdab", "vdzz" };
	bool same = true;
	for (int i = 0; i < 6; i++)
		add_disk(&names, in[i]);
	for (int i = 0; i < 6; i++)
		same &= !strcmp(names.items[i], out[i]);
	CHECK(same, "disks: order by length, then name");
}

static int root;

/* The path that an open descriptor has inside ROOT. */
static bool leads_to(int fd, const char *want)
{
	char base[PATH_MAX], path[PATH_MAX], link[64];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", root);
	ssize_t b = readlink(link, base, sizeof(base) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = fd < 0 ? -1 : readlink(link, path, sizeof(path) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0 || b < 0)
		return false;
	path[n] = 0;
	base[b] = 0;
	bool same = !strncmp(path, base, (size_t)b) && !strcmp(path + b, want);
	if (!same)
		printf("# led to %s\n", path);
	return same;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void test_paths(void)
{
	char dir[] = "/tmp/init-unit.XXXXXX";
	assert(mkdtemp(dir));
	root = open(dir, O_PATH | O_DIRECTORY);
	assert(root >= 0);
	assert(!mkdirat(root, "etc", 0755) && !symlinkat("/etc", root, "data"));
	assert(!symlinkat("/mnt/deep", root, "dangling") && !symlinkat("../up", root, "etc/relative"));
	assert(!symlinkat("loop", root, "loop") && !symlinkat("../../../..", root, "out"));
	assert(!symlinkat("/proc/self/root/etc", root, "magic"));
	close(openat(root, "file", O_CREAT | O_WRONLY, 0644));

	CHECK(leads_to(make_path(root, "/a/b/c", FOLLOWED_LINKS), "/a/b/c"), "path: missing parents are made");
	CHECK(leads_to(make_path(root, "/a//b/./c/", FOLLOWED_LINKS), "/a/b/c"), "path: odd spelling");
	CHECK(leads_to(make_path(root, "/data", FOLLOWED_LINKS), "/etc"), "path: an absolute link stays inside");
	CHECK(leads_to(make_path(root, "/data/new/x", FOLLOWED_LINKS), "/etc/new/x"), "path: made behind a link");
	CHECK(leads_to(make_path(root, "/dangling", FOLLOWED_LINKS), "/mnt/deep"), "path: target of a dangling link is made");
	CHECK(leads_to(make_path(root, "/etc/relative/y", FOLLOWED_LINKS), "/up/y"), "path: relative dangling link");
	CHECK(leads_to(make_path(root, "/out/../../z", FOLLOWED_LINKS), "/z"), "path: .. does not leave the root");
	CHECK(leads_to(make_path(root, "/new1/../new2", FOLLOWED_LINKS), "/new2"), "path: .. behind something made");
	CHECK(leads_to(make_path(root, "/", FOLLOWED_LINKS), ""), "path: the root itself");
	CHECK(make_path(root, "/loop/x", FOLLOWED_LINKS) == -ELOOP, "path: a loop is an error");
	CHECK(make_path(root, "/file/x", FOLLOWED_LINKS) == -ENOTDIR, "path: a file in the way is an error");
	CHECK(make_path(root, "/file", FOLLOWED_LINKS) == -ENOTDIR, "path: a file at the end is an error");
	char *longest = malloc(PATH_MAX + 10);
	memset(longest, 'a', PATH_MAX + 9);
	longest[0] = '/';
	longest[PATH_MAX + 9] = 0;
	CHECK(make_path(root, longest, FOLLOWED_LINKS) == -ENAMETOOLONG, "path: too long is an error");
	free(longest);
	close(root);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void test_files(void)
{
	char dir[] = "/tmp/init-unit.XXXXXX";
	assert(mkdtemp(dir) && !chdir(dir));
	struct text t = { 0 };
	struct stat st;
	CHECK(read_file("none", &t) == -ENOENT, "file: missing");
	CHECK(!replace_file("new", span_of("one"), 0644) && !read_file("new", &t) && !strcmp(t.data, "one"),
		"file: written and read");
	text_free(&t);
	assert(!symlink("new", "link"));
	CHECK(!replace_file("link", span_of("two"), 0640) && !lstat("link", &st) && S_ISREG(st.st_mode) &&
		(st.st_mode & 07777) == 0640 && !read_file("new", &t) && !strcmp(t.data, "one"),
		"file: a link is replaced, not followed");
	text_free(&t);
	assert(!mkfifo("fifo", 0644));
	CHECK(read_file("fifo", &t) == -EINVAL && read_file(".", &t) == -EINVAL &&
		read_file("/dev/zero", &t) == -EINVAL, "file: FIFO, directory and device are refused");
	assert(!truncate("new", (64L << 20) + 1));
	CHECK(read_file("new", &t) == -EFBIG, "file: above 64 MiB is refused");
	assert(!chdir("/"));
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int exit_status(char **argv, char **envp)
{
	int status;
	pid_t pid = fork();
	if (!pid)
		_exit(-execute(argv, envp));
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void test_execute(void)
{
	char dir[] = "/tmp/init-unit.XXXXXX", search[300];
	assert(mkdtemp(dir) && !chdir(dir));
	assert(!mkdir("a", 0755) && !mkdir("b", 0755) && !mkdir("a/tool", 0755));
	assert(!replace_file("b/tool", span_of("#!/bin/sh\nexit 42\n"), 0755));
	assert(!replace_file("a/plain", span_of("#!/bin/sh\nexit 42\n"), 0644));
	assert(!replace_file("a/noformat", span_of("exit 42\n"), 0755));
	snprintf(search, sizeof(search), "PATH=/nowhere:a/plain:%s/a:%s/b", dir, dir);
	char *envp[] = { search, NULL }, *none[] = { NULL }, *here[] = { "PATH=", NULL };
	CHECK(exit_status((char *[]){ "tool", NULL }, envp) == 42, "exec: found behind a directory of that name");
	CHECK(exit_status((char *[]){ "absent", NULL }, envp) == ENOENT, "exec: not found");
	CHECK(exit_status((char *[]){ "a/tool", NULL }, envp) == EACCES, "exec: a directory");
	CHECK(exit_status((char *[]){ "noformat", NULL }, envp) == ENOEXEC, "exec: never by a shell");
	CHECK(exit_status((char *[]){ "b/tool", NULL }, none) == 42, "exec: relative path");
	CHECK(exit_status((char *[]){ "sh", "-c", "exit 42", NULL }, none) == 42, "exec: default search path");
	assert(!chdir("b"));
	CHECK(exit_status((char *[]){ "tool", NULL }, here) == 42, "exec: an empty element is the directory itself");
	if (getuid())
		CHECK(exit_status((char *[]){ "plain", NULL }, envp) == EACCES, "exec: not executable");
	assert(!chdir("/"));
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The probe for Rosetta is a real program. */
static void test_amd64_program(void)
{
#ifdef __x86_64__
	char path[] = "/tmp/init-unit.XXXXXX";
	int fd = mkstemp(path);
	close(fd);
	assert(!replace_file(path, bytes((const char *)AMD64_EXIT, sizeof(AMD64_EXIT)), 0755));
	CHECK(exit_status((char *[]){ path, NULL }, NULL) == 0, "rosetta: the first program exits with 0");
	unlink(path);
#endif
}

int main(void)
{
	console_fd = open("/dev/null", O_WRONLY);
	test_spans();
	test_console();
	test_json_accepts();
	test_json_refuses();
	test_json_sizes();
	test_environment();
	test_accounts();
	test_arguments();
	test_parameters();
	test_names();
	test_disks();
	test_paths();
	test_files();
	test_execute();
	test_amd64_program();
	printf("1..%d\n", checks);
	return failures != 0;
}
