// SPDX-License-Identifier: Apache-2.0
/* Host name, /etc/hosts, resolv.conf and gai.conf: what the image or the host put there
   is kept, what is missing is added. */
#include "init.h"

static const char RESOLVER[] = "nameserver 1.1.1.1\n"
			       "options timeout:2 attempts:2 no-aaaa single-request\n";

/* glibc's own table (RFC 3484) with IPv4 first. */
static const char IPV4_FIRST[] = "precedence ::1/128 50\n"
				 "precedence ::/0 40\n"
				 "precedence 2002::/16 30\n"
				 "precedence ::/96 20\n"
				 "precedence ::ffff:0:0/96 100\n";

static bool hostname_valid(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.at[i] <= ' ' || name.at[i] == 0x7f)
			return false;
	return name.len && name.len < 64;
}

/* Sets and returns the name; the image's wish or "localhost". */
char *read_hostname(void)
{
	static const char path[] = "/.supermachine-hostname";
	struct text file = {0};
	int error = read_file(path, &file);
	struct span name = span_trim_end(text_span(&file), " \r\n");
	if (error && error != -ENOENT)
		complain(-error, path);
	else if (name.len && !hostname_valid(name))
		say(path, ": not a host name");
	char *hostname = hostname_valid(name) ? span_copy(name) : join("localhost", "");
	text_free(&file);
	if (sethostname(hostname, strlen(hostname)))
		complain(errno, "set the host name");
	return hostname;
}

/* Has a line for this address (any when NULL) and this name. */
static bool hosts_has(struct span file, const char *address, const char *name)
{
	struct span line, word, code;
	while (span_cut(&file, '\n', &line)) {
		span_cut(&line, '#', &code);
		if (!span_word(&code, &word) || (address && !span_is(word, address)))
			continue;
		while (span_word(&code, &word))
			if (span_is(word, name))
				return true;
	}
	return false;
}

/* The old file and the lines that it lacks. */
void hosts_text(struct span old, const char *hostname, struct text *ret)
{
	text_add(ret, old.at, old.len);
	if (old.len && old.at[old.len - 1] != '\n')
		text_adds(ret, "\n");
	if (!hosts_has(old, "127.0.0.1", "localhost"))
		text_adds(ret, "127.0.0.1\tlocalhost\n");
	if (!hosts_has(old, "::1", "localhost"))
		text_adds(ret, "::1\tlocalhost ip6-localhost ip6-loopback\n");
	if (strcmp(hostname, "localhost") && !hosts_has(old, NULL, hostname)) {
		text_adds(ret, "127.0.1.1\t");
		text_adds(ret, hostname);
		text_adds(ret, "\n");
	}
}

static void write_hosts(const char *hostname)
{
	struct text old = {0}, new = {0};
	int error = read_file("/etc/hosts", &old);
	if (!error || error == -ENOENT || error == -ELOOP) {
		hosts_text(text_span(&old), hostname, &new);
		error = new.len == old.len
				? 0
				: replace_file("/etc/hosts", text_span(&new), 0644);
	}
	if (error)
		complain(-error, "/etc/hosts");
	text_free(&old);
	text_free(&new);
}

/* Has a name server other than the machine itself: Docker's 127.0.0.11 is not here. */
bool resolver_usable(struct span content)
{
	struct span line, word;
	while (span_cut(&content, '\n', &line)) {
		if (!span_word(&line, &word) || !span_is(word, "nameserver") ||
			!span_word(&line, &word))
			continue;
		bool loopback = span_is(word, "::1") || span_is(word, "0.0.0.0") ||
				(word.len > 4 && !memcmp(word.at, "127.", 4));
		if (!loopback)
			return true;
	}
	return false;
}

static void write_resolver(void)
{
	static const char path[] = "/etc/resolv.conf";
	struct stat st;
	struct text old = {0};
	bool regular = !lstat(path, &st) && S_ISREG(st.st_mode);
	int error = regular ? read_file(path, &old) : 0;
	if (!error && !(regular && resolver_usable(text_span(&old))))
		error = replace_file(path, span_of(RESOLVER), 0644);
	if (error)
		complain(-error, path);
	text_free(&old);
}

static void prefer_ipv4(void)
{
	static const char path[] = "/etc/gai.conf";
	int error = parameter_present("supermachine.host_ipv6=0")
			    ? replace_file(path, span_of(IPV4_FIRST), 0644)
			    : 0;
	if (error)
		complain(-error, path);
}

void write_names(const char *hostname)
{
	int error = make_directory("/etc");
	if (error)
		complain(-error, "/etc");
	write_hosts(hostname);
	write_resolver();
	prefer_ipv4();
	if (symlink("/proc/mounts", "/etc/mtab") && errno != EEXIST)
		complain(errno, "/etc/mtab");
}
