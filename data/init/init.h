/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of init-oci share. A function that can fail returns 0 or more, or
 * -errno; running out of memory is fatal, so nothing that allocates reports it.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <linux/vm_sockets.h>

/* How a workload ends that never ran: init-oci(8), EXIT STATUS. */
enum {
	STATUS_NOT_STARTED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

/* text.c: bytes with a length, growing strings, lists of strings. */
struct span {
	const char *at; /* NULL when everything has been cut off */
	size_t len;
};

struct text {
	char *data; /* data[len] is NUL, except before the first addition */
	size_t len, size;
};

struct list {
	char **items; /* ends with NULL, except before the first addition */
	size_t count, size;
};

struct span span_of(const char *string);
struct span text_span(const struct text *t);
bool span_is(struct span s, const char *word);
bool span_cut(struct span *rest, char separator, struct span *ret);
bool span_word(struct span *rest, struct span *ret);
struct span span_trim_end(struct span s, const char *unwanted);
bool span_number(struct span s, uint64_t max, uint64_t *ret);
char *span_copy(struct span s);
void *allocate(void *old, size_t size);
void text_add(struct text *t, const void *data, size_t len);
void text_adds(struct text *t, const char *string);
void text_free(struct text *t);
void list_add(struct list *l, char *item);
const char *decimal(long long n);
char *join(const char *a, const char *b);

/* console.c: one write per line; control characters are escaped, long lines cut. */
void open_console(void);
void print_line(int error, const char *word, ...);
_Noreturn void print_fatal(int error, const char *word, ...);
/* A line as it is; a line of ours; the same with the reason at its end; the last line. */
#define mark(...) print_line(0, __VA_ARGS__, (char *)NULL)
#define say(...) print_line(0, "init-oci: ", __VA_ARGS__, (char *)NULL)
#define complain(error, ...) print_line(error, "init-oci: ", __VA_ARGS__, (char *)NULL)
#define fatal(error, ...) print_fatal(error, __VA_ARGS__, (char *)NULL)

/* file.c */
#define FOLLOWED_LINKS 40 /* as many symbolic links as the kernel follows */
int read_file(const char *path, struct text *ret);
int write_existing(const char *path, const char *value);
int replace_file(const char *path, struct span content, mode_t mode);
int open_in_root(int root, const char *path, int flags);
int make_path(int root, const char *path, int links);
int make_directory(const char *path);
char *descriptor_path(int fd);
long long milliseconds(void);

/* environment.c: NAME=VALUE strings, each name once. */
struct environment {
	struct list list;
	size_t *slots; /* hash table: index into list + 1, or 0 */
	size_t slot_count;
};

void environment_set(struct environment *e, struct span name, struct span value);
void environment_default(struct environment *e, const char *name, const char *value);
const char *environment_get(const struct environment *e, const char *name);
void environment_merge(struct environment *e, const struct environment *over);
void environment_free(struct environment *e);

/* json.c */
int parse_environment(char *text, size_t len, struct environment *env,
	struct environment *secrets, size_t *ret_where);

/* accounts.c */
struct account {
	uint32_t uid, gid;
	char *home;
	uint32_t *groups;
	size_t group_count;
};

int find_account(struct span spec, struct span passwd, struct span group,
	struct account *ret, const char **ret_problem);

/* parameters.c: the kernel command line. */
void read_parameters(void);
bool next_parameter(struct span *rest, struct span *ret);
bool parameter_present(const char *word);
bool find_host_time(struct span line, uint64_t *ret);
bool mask_token(char *line);
void set_parameters(const char *line);
void hide_token(void);
void set_clock(void);

/* process.c: signals and children. */
void block_signals(void);
int next_signal(siginfo_t *ret);
pid_t fork_child(void);
bool wait_child(pid_t pid, int watch, long long deadline, const char *path);
_Noreturn void park(void);
_Noreturn void supervise(pid_t workload, int status);

/* mounts.c */
bool in_initramfs(void);
void mount_dev(void);
void mount_kernel_filesystems(void);
void prepare_container(void);

/* pause.c */
struct pause {
	const char *parameter, *name;
};
extern const struct pause kernel_cache, before_exec;
bool pause_wanted(const struct pause *p);
void pause_for_host(const struct pause *p);

/* network.c */
void raise_loopback(void);
void add_probe_interface(void);

/* smpark.c */
void report_parking(void);

/* root.c: the disks, and the root made of them. */
struct disks {
	struct list names; /* vda, vdb, ... */
	size_t layers;	   /* the first ones; volumes follow */
};
void find_disks(struct disks *ret);
void enter_container(struct disks *disks);
void show_image_init(void);

/* names.c */
void write_names(const char *hostname);
char *read_hostname(void);
void hosts_text(struct span old, const char *hostname, struct text *ret);
bool resolver_usable(struct span content);

/* virtiofs.c, rosetta.c */
void mount_virtiofs(void);
void start_rosetta(void);

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* service.c, agent.c */
void fetch_environment(struct environment *e);
void start_agent(const struct environment *e);

/* volumes.c */
void mount_volumes(const struct disks *disks);

/* workload.c */
int split_arguments(struct text *file, char separator, struct list *ret);
int execute(char **argv, char **envp);
_Noreturn void run_workload(struct environment *e, const char *hostname);
