// SPDX-License-Identifier: Apache-2.0
/* PID 1 of a supermachine guest: the order of events. init-oci(8) is the contract. */
#include "init.h"

/* The kernel passes on words of its command line; nobody may read them in /proc/1. */
static void forget_arguments(int argc, char **argv, char **envp)
{
	for (int i = 1; i < argc; i++)
		explicit_bzero(argv[i], strlen(argv[i]));
	for (char **e = envp; *e; e++)
		explicit_bzero(*e, strlen(*e));
	if (*envp)
		prctl(PR_SET_MM, PR_SET_MM_ENV_END, *envp, 0, 0);
	if (argc > 1)
		prctl(PR_SET_MM, PR_SET_MM_ARG_END, argv[1], 0, 0);
}

static bool command_here(void)
{
	return !access("/.supermachine-argv", F_OK) ||
	       !access("/.supermachine-cmd", F_OK);
}

int main(int argc, char **argv, char **envp)
{
	struct environment environment = {0};
	struct disks disks = {0};

	if (getpid() != 1) {
		say("not PID 1, nothing done");
		return 1;
	}
	forget_arguments(argc, argv, envp);
	umask(022);
	block_signals();
	open_console();
	say("hello from pid 1");
	mount_kernel_filesystems();
	read_parameters();
	raise_loopback();
	report_parking();
	if (pause_wanted(&kernel_cache))
		pause_for_host(&kernel_cache);

	bool initramfs = in_initramfs() && !command_here();
	find_disks(&disks);
	if (initramfs)
		enter_container(&disks);
	mount_kernel_filesystems();
	prepare_container();
	hide_token();
	char *hostname = read_hostname();
	write_names(hostname);
	add_probe_interface();
	mount_virtiofs();
	start_rosetta();
	set_clock();

	fetch_environment(&environment);
	start_agent(&environment);
	mark("[SUPERMACHINE-INIT] heartbeat counter=1");

	mount_volumes(&disks);
	show_image_init();
	run_workload(&environment, hostname);
}
