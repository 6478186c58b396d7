// SPDX-License-Identifier: Apache-2.0
/*
 * 1,000 extractions are killed at random moments: the destination is always the old file
 * or the new one.
 */
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <time.h>

#include "unit.h"

enum { KILLS = 1000 };

static void extract_for_ever(void)
{
	for (;;)
		if (smkernel_extract_init_oci_to("to/init-oci") < 0)
			_exit(1);
}

/*
 * What is in the directory beside the destination: complete files only, of the moment
 * between two names.
 */
static int half_written(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[512];
	int count = 0;

	must(directory);
	while ((entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		count += !holds(name, fake_init_oci(), INIT_OCI_SIZE);
		unlink(name);
	}
	closedir(directory);
	return count;
}

int main(void)
{
	int i, half = 0, unfinished = 0, failed = 0;

	scratch();
	must(mkdir("to", 0755) == 0);
	write_file("init-oci", fake_init_oci(), INIT_OCI_SIZE, 0755);
	setenv("SUPERMACHINE_INIT_OCI_PATH", in_scratch("init-oci"), 1);
	is(smkernel_extract_init_oci_to("to/init-oci"), 0, "one extraction");
	if (open("to", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) < 0) {
		skip("killed at any moment", "this file system has no O_TMPFILE");
		return done_testing();
	}
	for (i = 0; i < KILLS; i++) {
		struct timespec pause = {0, (i % 97) * 50000};
		int status;
		pid_t child = fork();

		must(child >= 0);
		if (child == 0)
			extract_for_ever();
		nanosleep(&pause, NULL);
		must(kill(child, SIGKILL) == 0);
		must(waitpid(child, &status, 0) == child);
		failed += WIFEXITED(status);
		unfinished += access("to/init-oci", F_OK) != 0;
		half += half_written("to");
	}
	is(half, 0, "no file is half-written after %d kills", KILLS);
	is(failed, 0, "no extraction failed");
	printf("# %d of them before the first was there\n", unfinished);
	return done_testing();
}
