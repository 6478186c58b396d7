// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1 of boot-resume.sh: is captured while it waits for a line on the console, and says then which
 * random bytes it reads. With "parked" as an argument the CPUs are parked meanwhile.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARK 0x4d01
#define UNPARK 0x4d02

typedef ssize_t vgetrandom(void *, size_t, unsigned int, void *, size_t);
static vgetrandom *vdso;
static char vdso_state[1024] __attribute__((aligned(1024)));
static size_t vdso_size;

static void find_vdso(void)
{
	/* struct vgetrandom_opaque_params */
	struct {
		uint32_t size, prot, flags, reserved[13];
	} params = {0};
	char *base = (char *)getauxval(AT_SYSINFO_EHDR);
	Elf64_Ehdr *header = (Elf64_Ehdr *)base;
	Elf64_Phdr *segment = (Elf64_Phdr *)(base + header->e_phoff);
	Elf64_Sym *symbols = NULL;
	char *names = NULL;

	for (int i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type != PT_DYNAMIC)
			continue;
		for (Elf64_Dyn *d = (Elf64_Dyn *)(base + segment[i].p_offset); d->d_tag;
			d++) {
			if (d->d_tag == DT_SYMTAB)
				symbols = (Elf64_Sym *)(base + d->d_un.d_ptr);
			if (d->d_tag == DT_STRTAB)
				names = base + d->d_un.d_ptr;
		}
	}
	/* The names follow the symbols. */
	for (Elf64_Sym *s = symbols; (char *)s < names; s++)
		if (!strcmp(names + s->st_name, "__kernel_getrandom"))
			vdso = (vgetrandom *)(base + s->st_value);
	if (vdso && !vdso(NULL, 0, 0, &params, ~0UL))
		vdso_size = params.size;
}

static void show(const char *name, const void *data, ssize_t length)
{
	printf("%s ", name);
	for (ssize_t i = 0; i < length; i++)
		printf("%02x", ((const unsigned char *)data)[i]);
	putchar('\n');
}

/* Few bytes, so that buffers keep some. */
static void show_file(const char *name, const char *path)
{
	char data[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	show(name, data, read(fd, data, sizeof(data)));
	close(fd);
}

static void show_text(const char *name, const char *path)
{
	char text[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (read(fd, text, sizeof(text) - 1) > 0)
		printf("%s %s", name, text);
	close(fd);
}

static void show_all(void)
{
	char data[16];

	show("vdso", data, vdso ? vdso(data, sizeof(data), 0, vdso_state, vdso_size) : 0);
	show("getrandom", data, getrandom(data, sizeof(data), 0));
	show_file("random", "/dev/random");
	show_file("urandom", "/dev/urandom");
	show_text("uuid", "/proc/sys/kernel/random/uuid");
	fflush(stdout);
	if (!vfork()) {
		execl("/init", "/init", "exec", NULL);
		_exit(1);
	}
	wait(NULL);
	show_file("hwrng", "/dev/hwrng");
	show_text("count", "/sys/kernel/vmfork_count");
}

int main(int argc, char **argv)
{
	int parked = argc > 1 && !strcmp(argv[1], "parked"), smpark = -1;
	char line[8];

	if (argc > 1 && !strcmp(argv[1], "exec")) {
		show("exec", (void *)getauxval(AT_RANDOM), 16);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) ||
		mount("sysfs", "/sys", "sysfs", 0, NULL) ||
		mount("devtmpfs", "/dev", "devtmpfs", 0, NULL))
		perror("mount");
	find_vdso();
	/* The RNG reseeds itself, next time after half of the uptime. */
	sleep(8);
	show_all();
	if (parked) {
		smpark = open("/dev/smpark", O_RDWR | O_CLOEXEC);
		printf("park %d\n", ioctl(smpark, PARK));
	}
	puts("waiting");
	if (fgets(line, sizeof(line), stdin))
		show_all();
	if (parked) {
		printf("unpark %d\n", ioctl(smpark, UNPARK));
		show_all();
	}
	puts("end");
	reboot(RB_POWER_OFF);
	return 1;
}
