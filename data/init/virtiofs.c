// SPDX-License-Identifier: Apache-2.0
/* Host directories: TAG, a tab and an absolute path per line of
 * /.supermachine-virtiofs-binds. */
#include "init.h"

static const char BINDS[] = "/.supermachine-virtiofs-binds";

static void mount_tag(const char *tag, const char *path)
{
	int error = make_directory(path);
	if (!error && mount(tag, path, "virtiofs", 0, NULL))
		error = -errno;
	if (error)
		complain(-error, "virtiofs ", tag, " on ", path);
}

static void mount_bind(struct span line)
{
	struct span tag = {0};
	line = span_trim_end(line, "\r");
	if (!line.len)
		return;
	span_cut(&line, '\t', &tag);
	bool usable = tag.len && line.at && line.len && *line.at == '/' &&
		      !memchr(line.at, 0, line.len);
	char *name = span_copy(tag);
	char *path = span_copy(usable ? line : (struct span){"", 0});
	if (usable)
		mount_tag(name, path);
	else
		say(BINDS, ": skipped ", name);
	free(path);
	free(name);
}

void mount_virtiofs(void)
{
	struct text file = {0};
	struct span line;
	int error = read_file(BINDS, &file);
	struct span rest = text_span(&file);
	if (error && error != -ENOENT)
		complain(-error, BINDS);
	while (span_cut(&rest, '\n', &line))
		mount_bind(line);
	text_free(&file);
}
