// SPDX-License-Identifier: Apache-2.0
/* Disks, file systems and file calls: features.md 2. /data is ext4 with verity, from the test. */
#include "probe.h"
#include <dirent.h>
#include <linux/aio_abi.h>
#include <linux/dm-ioctl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <linux/fuse.h>
#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* The path of NAME in DIR; never freed, an entry's process is short. */
static char *in(const char *dir, const char *name)
{
	char *path;

	try(asprintf(&path, "%s/%s", dir, name));
	return path;
}

static const char *data(const char *name)
{
	return in("/data", name);
}

static void sha256(const void *bytes, size_t len, unsigned char digest[32])
{
	struct sockaddr_alg alg = {
		.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
	int fd = try(socket(AF_ALG, SOCK_SEQPACKET, 0));

	try(bind(fd, (struct sockaddr *)&alg, sizeof(alg)));
	int op = try(accept(fd, NULL, NULL));
	must(write(op, bytes, len) == (ssize_t)len);
	must(read(op, digest, 32) == 32);
	close(op);
	close(fd);
}

static void ext4_files(void)
{
	static char block[8192];
	char value[8];
	struct stat st;
	int fd = try(open(data("file"), O_RDWR | O_CREAT | O_TRUNC, 0600));

	memset(block, 'x', sizeof(block));
	must(write(fd, block, 8192) == 8192);
	try(fsetxattr(fd, "user.x", "value", 5, 0));
	must(fgetxattr(fd, "user.x", value, sizeof(value)) == 5);
	try(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	must(pread(fd, block, 1, 0) == 1 && block[0] == 0);
	try(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	try(fstat(fd, &st));
	must(st.st_size == 4096);
	must(pread(fd, block, 1, 0) == 1 && block[0] == 'x');
	try(fsync(fd));
	int tmp = try(open("/data", O_TMPFILE | O_RDWR, 0600));
	snprintf(block, sizeof(block), "/proc/self/fd/%d", tmp);
	unlink(data("linked"));
	try(linkat(AT_FDCWD, block, AT_FDCWD, data("linked"), AT_SYMLINK_FOLLOW));
}

static void ext4_acl(void)
{
	static const unsigned char acl[] = {
		2,
		0,
		0,
		0,
		1,
		0,
		6,
		0,
		0xff,
		0xff,
		0xff,
		0xff,
		4,
		0,
		0,
		0,
		0xff,
		0xff,
		0xff,
		0xff,
		32,
		0,
		0,
		0,
		0xff,
		0xff,
		0xff,
		0xff,
	};
	put(data("acl"), "x");
	try(setxattr(data("acl"), "system.posix_acl_access", acl, sizeof(acl), 0));
	refuses(EOPNOTSUPP,
		setxattr(data("acl"), "system.nonsense", acl, sizeof(acl), 0));
}

static void odirect(void)
{
	char *p = aligned_alloc(4096, 4096);
	int fd = try(open(data("direct"), O_RDWR | O_CREAT | O_DIRECT, 0600));

	memset(p, 'd', 4096);
	must(write(fd, p, 4096) == 4096);
	memset(p, 0, 4096);
	must(pread(fd, p, 4096, 0) == 4096 && p[4095] == 'd');
}

static void read_only_disk(void)
{
	int ro = 0, fd = try(open("/dev/vda", O_RDONLY));

	try(ioctl(fd, BLKROGET, &ro));
	must(ro == 1);
	fd = open("/dev/vda", O_WRONLY);
	must(fd < 0 || write(fd, "x", 1) < 0);
}

static void verity(void)
{
	static char block[4096] = "content under verity";
	struct fsverity_enable_arg enable = {.version = 1,
		.hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
		.block_size = 4096};
	struct fsverity_descriptor_like {
		uint8_t version, hash_algorithm, log_blocksize, salt_size;
		uint32_t sig_size;
		uint64_t data_size;
		uint8_t root_hash[64], salt[32], reserved[144];
	} descriptor = {.version = 1,
		.hash_algorithm = 1,
		.log_blocksize = 12,
		.data_size = sizeof(block)};
	struct {
		struct fsverity_digest head;
		unsigned char digest[32];
	} measured = {.head.digest_size = 32};
	unsigned char digest[32];

	unlink(data("verity"));
	int fd = try(open(data("verity"), O_WRONLY | O_CREAT, 0600));
	must(write(fd, block, sizeof(block)) == sizeof(block));
	close(fd);
	fd = try(open(data("verity"), O_RDONLY));
	try(ioctl(fd, FS_IOC_ENABLE_VERITY, &enable));
	try(ioctl(fd, FS_IOC_MEASURE_VERITY, &measured));
	/* One block: its hash is the root of the tree. */
	sha256(block, sizeof(block), descriptor.root_hash);
	sha256(&descriptor, sizeof(descriptor), digest);
	must(!memcmp(digest, measured.digest, 32));
	refuses(EPERM, open(data("verity"), O_RDWR));
}

static void loop_ext4(void)
{
	/* A small file system from the test. */
	int from = try(open("/data/images/ext4", O_RDONLY)),
	    to = try(open(data("image"), O_WRONLY | O_CREAT | O_TRUNC, 0600));
	const char *dir = scratch();

	while (try(sendfile(to, from, NULL, 1 << 20)) > 0)
		;
	try(mount(loop_device(data("image"), 0), dir, "ext4", 0, NULL));
	put(in(dir, "file"), "x");
	try(umount(dir));
}

static void foreign(const char *image, const char *type, const char *options)
{
	const char *dir = scratch();

	try(mount(loop_device(image, 0), dir, type, MS_RDONLY, options));
	must(contains(in(dir, "A long file name"), "content"));
}

static void vfat(void)
{
	foreign("/data/images/vfat", "vfat", "utf8");
}

static void iso9660(void)
{
	foreign("/data/images/iso", "iso9660", NULL);
}

static void erofs_file(void)
{
	const char *dir = scratch();

	try(mount("/data/images/erofs", dir, "erofs", MS_RDONLY, NULL));
	must(contains(in(dir, "A long file name"), "content"));
}

static void erofs_loop(void)
{
	foreign("/data/images/erofs-lz4", "erofs", NULL);
}

struct dm_message {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char params[512];
};

static void dm(int control, unsigned long command, struct dm_message *m, const char *name)
{
	m->head.version[0] = DM_VERSION_MAJOR;
	m->head.data_size = sizeof(*m);
	m->head.data_start = sizeof(m->head);
	strcpy(m->head.name, name);
	if (ioctl(control, command, m) < 0)
		fail("device mapper");
}

/* Creates a mapped device and its node; returns it opened for reading. */
static int dm_create(const char *name, const char *type, int sectors, const char *params,
	int read_only)
{
	struct dm_message m = {0};
	int control = try(open("/dev/mapper/control", O_RDWR));

	dm(control, DM_DEV_CREATE, &m, name);
	dev_t dev = m.head.dev;
	m = (struct dm_message){
		.head.target_count = 1, .head.flags = read_only ? DM_READONLY_FLAG : 0};
	m.target.length = sectors;
	strcpy(m.target.target_type, type);
	strcpy(m.params, params);
	dm(control, DM_TABLE_LOAD, &m, name);
	m = (struct dm_message){0};
	dm(control, DM_DEV_SUSPEND, &m, name);
	char *node = in(scratch(), "mapped");
	try(mknod(node, S_IFBLK | 0600, dev));
	return try(open(node, O_RDONLY));
}

static void dm_remove(const char *name)
{
	struct dm_message m = {.head.flags = DM_DEFERRED_REMOVE};
	int control = try(open("/dev/mapper/control", O_RDWR));

	dm(control, DM_DEV_REMOVE, &m, name);
}

static void dm_linear(void)
{
	char params[64], c;
	char *file = in(scratch(), "disk");

	put(file, "");
	snprintf(params, sizeof(params), "%s 8", loop_device(file, 1 << 20));
	int disk = try(open(file, O_RDWR));
	must(pwrite(disk, "L", 1, 4096) == 1);
	int fd = dm_create("probe-linear", "linear", 16, params, 0);
	must(read(fd, &c, 1) == 1 && c == 'L');
	close(fd);
	dm_remove("probe-linear");
}

static void dm_verity(void)
{
	static char blocks[3][4096];
	char params[512], hex[65], *file = in(scratch(), "disk");
	unsigned char digest[32];

	/* Two data blocks, then the block of their hashes; no superblock, no salt. */
	strcpy(blocks[0], "good");
	strcpy(blocks[1], "spoiled");
	sha256(blocks[0], 4096, (unsigned char *)blocks[2]);
	sha256(blocks[1], 4096, (unsigned char *)blocks[2] + 32);
	sha256(blocks[2], 4096, digest);
	for (int i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	blocks[1][0] = 'X';
	int disk = try(open(file, O_RDWR | O_CREAT, 0600));
	must(write(disk, blocks, sizeof(blocks)) == sizeof(blocks));
	const char *loop = loop_device(file, 0);
	snprintf(params, sizeof(params), "1 %s %s 4096 4096 2 2 sha256 %s -", loop, loop,
		hex);
	int fd = dm_create("probe-verity", "verity", 16, params, 1);
	must(pread(fd, blocks[0], 4096, 0) == 4096 && blocks[0][0] == 'g');
	refuses(EIO, pread(fd, blocks[1], 4096, 4096));
	close(fd);
	dm_remove("probe-verity");
}

static void swap_file(void)
{
	static union {
		char bytes[4096];
		struct {
			char boot[1024];
			uint32_t version, last_page, bad_pages;
		} head;
	} page;
	static char zeros[4096];
	int fd = try(open(data("swap"), O_RDWR | O_CREAT | O_TRUNC, 0600));

	page.head.version = 1;
	page.head.last_page = 255;
	memcpy(page.bytes + 4086, "SWAPSPACE2", 10);
	must(write(fd, page.bytes, 4096) == 4096);
	for (int i = 1; i < 256; i++)
		must(write(fd, zeros, 4096) == 4096);
	try(fsync(fd));
	try(swapon(data("swap"), 0));
	must(contains("/proc/swaps", "/data/swap"));
	try(swapoff(data("swap")));
}

/* lower/file, lower/dir/inside; an overlay at merged. */
static const char *overlay(const char *more)
{
	static const char *dir;
	static const char *const dirs[] = {
		"lower", "lower/dir", "upper", "work", "merged"};
	char options[512];

	dir = scratch();
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		try(mkdir(in(dir, dirs[i]), 0755));
	put(in(dir, "lower/file"), "content");
	put(in(dir, "lower/dir/inside"), "content");
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s%s",
		in(dir, "lower"), in(dir, "upper"), in(dir, "work"), more);
	try(mount("overlay", in(dir, "merged"), "overlay", 0, options));
	return dir;
}

static void overlay_whiteout(void)
{
	struct stat st;
	const char *dir = overlay("");

	try(unlink(in(dir, "merged/file")));
	try(lstat(in(dir, "upper/file"), &st));
	must(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	refuses(ENOENT, access(in(dir, "merged/file"), F_OK));
}

static void overlay_opaque(void)
{
	char value[8];
	const char *dir = overlay("");

	try(unlink(in(dir, "merged/dir/inside")));
	try(rmdir(in(dir, "merged/dir")));
	try(mkdir(in(dir, "merged/dir"), 0755));
	must(getxattr(in(dir, "upper/dir"), "trusted.overlay.opaque", value, 8) == 1 &&
		*value == 'y');
	refuses(ENOENT, access(in(dir, "merged/dir/inside"), F_OK));
}

static void overlay_metacopy(void)
{
	const char *dir = overlay(",metacopy=on");

	try(chmod(in(dir, "merged/file"), 0600));
	try(getxattr(in(dir, "upper/file"), "trusted.overlay.metacopy", NULL, 0));
	must(contains(in(dir, "merged/file"), "content"));
}

static void overlay_redirect(void)
{
	const char *dir = overlay(",redirect_dir=on");

	try(rename(in(dir, "merged/dir"), in(dir, "merged/moved")));
	try(getxattr(in(dir, "upper/moved"), "trusted.overlay.redirect", NULL, 0));
	must(contains(in(dir, "merged/moved/inside"), "content"));
}

static void overlay_volatile(void)
{
	const char *dir = overlay(",volatile");

	try(access(in(dir, "work/work/incompat/volatile"), F_OK));
}

static void overlay_userxattr(void)
{
	char value[8];
	const char *dir = overlay(",userxattr");

	try(unlink(in(dir, "merged/dir/inside")));
	try(rmdir(in(dir, "merged/dir")));
	try(mkdir(in(dir, "merged/dir"), 0755));
	must(getxattr(in(dir, "upper/dir"), "user.overlay.opaque", value, 8) == 1);
}

static void overlay_as_user(void)
{
	overlay_userxattr();
}

static void overlay_unprivileged(void)
{
	unprivileged(CLONE_NEWNS, overlay_as_user);
}

static int overlay_lowers(int n)
{
	const char *dir = scratch();
	char name[32];
	int fs = try(syscall(SYS_fsopen, "overlay", 0));

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		char *lower = in(dir, name);
		try(mkdir(lower, 0755));
		snprintf(name, sizeof(name), "file%d", i);
		put(in(lower, name), "content");
		if (syscall(SYS_fsconfig, fs, 1 /* string */, "lowerdir+", lower, 0) < 0)
			fail("lowerdir+");
	}
	try(mkdir(in(dir, "u"), 0755));
	try(mkdir(in(dir, "w"), 0755));
	try(syscall(SYS_fsconfig, fs, 1, "upperdir", in(dir, "u"), 0));
	try(syscall(SYS_fsconfig, fs, 1, "workdir", in(dir, "w"), 0));
	try(syscall(SYS_fsconfig, fs, 6 /* create */, NULL, NULL, 0));
	int tree = try(syscall(SYS_fsmount, fs, 0, 0));
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		try(faccessat(tree, name, R_OK, 0));
	}
	return tree;
}

/* F2 of the runtime's list. */
static void overlay_f2(void)
{
	static const int lowers[] = {1, 8, 24};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(lowers); i++) {
		int tree = overlay_lowers(lowers[i]);
		try(renameat(tree, "file0", tree, "renamed"));
		refuses(ENOENT, faccessat(tree, "file0", F_OK, 0));
		try(linkat(tree, "renamed", tree, "linked", 0));
		int fd = try(openat(tree, "linked", O_RDWR));
		try(fsetxattr(fd, "user.x", "y", 1, 0));
		try(fstatat(tree, "renamed", &st, 0));
		must(st.st_nlink == 2);
	}
}

static void idmap(int tree)
{
	struct mount_attr {
		uint64_t set, clear, propagation, userns;
	} attr = {.set = 0x100000 /* MOUNT_ATTR_IDMAP */};
	struct stat st;
	char path[64];
	pid_t pid = try(fork());

	if (!pid) {
		try(unshare(CLONE_NEWUSER));
		pause();
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	char own[64], other[64];
	memset(own, 0, sizeof(own));
	memset(other, 0, sizeof(other));
	try(readlink("/proc/self/ns/user", own, 63));
	do {
		usleep(1000);
		try(readlink(path, other, 63));
	} while (!strcmp(own, other));
	char map[64];
	snprintf(map, sizeof(map), "/proc/%d/uid_map", pid);
	put(map, "0 5000 1");
	snprintf(map, sizeof(map), "/proc/%d/gid_map", pid);
	put(map, "0 5000 1");
	attr.userns = try(open(path, O_RDONLY));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	try(syscall(
		442 /* mount_setattr */, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
	try(fstatat(tree, "", &st, AT_EMPTY_PATH));
	must(st.st_uid == 5000);
}

static int clone_tree(const char *path)
{
	return try(syscall(SYS_open_tree, AT_FDCWD, path, 1 /* OPEN_TREE_CLONE */));
}

static void idmap_tmpfs(void)
{
	idmap(clone_tree(scratch()));
}

static void idmap_ext4(void)
{
	idmap(clone_tree("/data"));
}

static void idmap_squashfs(void)
{
	const char *dir = scratch();

	try(mount("/dev/vda", dir, "squashfs", MS_RDONLY, NULL));
	idmap(clone_tree(dir));
}

static void idmap_erofs(void)
{
	const char *dir = scratch();

	try(mount("/data/images/erofs", dir, "erofs", MS_RDONLY, NULL));
	idmap(clone_tree(dir));
}

/* The kernel's side of FUSE: answers INIT and GETATTR of the root, anything else with ENOSYS. */
static void fuse_serve(int fd)
{
	static char request[1 << 18];
	struct fuse_in_header *head = (void *)request;

	while (read(fd, request, sizeof(request)) > 0) {
		struct {
			struct fuse_out_header head;
			union {
				struct fuse_init_out init;
				struct fuse_attr_out attr;
			};
		} answer = {.head.unique = head->unique};
		answer.head.len = sizeof(answer.head);
		if (head->opcode == FUSE_INIT) {
			answer.init.major = FUSE_KERNEL_VERSION;
			answer.init.minor = 31;
			answer.head.len += sizeof(answer.init);
		} else if (head->opcode == FUSE_GETATTR) {
			answer.attr.attr.ino = 1;
			answer.attr.attr.mode = S_IFDIR | 0755;
			answer.attr.attr.nlink = 4711;
			answer.head.len += sizeof(answer.attr);
		} else {
			answer.head.error = -ENOSYS;
		}
		if (write(fd, &answer, answer.head.len) < 0)
			break;
	}
}

static void fuse(void)
{
	char options[128];
	struct stat st;
	const char *dir = scratch();
	int fd = try(open("/dev/fuse", O_RDWR));

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		fd);
	try(mount("probe", dir, "fuse", MS_NOSUID | MS_NODEV, options));
	pid_t pid = try(fork());
	if (!pid) {
		fuse_serve(fd);
		_exit(0);
	}
	try(stat(dir, &st));
	must(st.st_nlink == 4711);
	kill(pid, SIGKILL);
}

static void fuse_unprivileged(void)
{
	try(chmod("/dev/fuse", 0666));
	unprivileged(CLONE_NEWNS, fuse);
}

static void inotify(void)
{
	char buf[512];
	const char *dir = scratch();
	int fd = try(inotify_init1(0));

	try(inotify_add_watch(fd, dir, IN_CREATE));
	put(in(dir, "new"), "x");
	try(read(fd, buf, sizeof(buf)));
	must(!strcmp(((struct inotify_event *)buf)->name, "new"));
}

static void fanotify(void)
{
	char buf[4096];
	int fd = try(fanotify_init(
		FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_REPORT_DFID_NAME, O_RDONLY));

	try(fanotify_mark(fd, FAN_MARK_ADD, FAN_CREATE | FAN_ONDIR, AT_FDCWD, "/data"));
	unlink(data("fanotify"));
	put(data("fanotify"), "x");
	ssize_t n = try(read(fd, buf, sizeof(buf)));
	must(memmem(buf, n, "fanotify", 8));
}

/* io_uring without its library: one submission at a time. */
struct ring {
	int fd;
	unsigned *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct ring ring_setup(void)
{
	struct io_uring_params p = {0};
	struct ring r = {.fd = try(syscall(SYS_io_uring_setup, 8, &p))};
	size_t size = p.sq_off.array + p.sq_entries * 4,
	       cq_size = p.cq_off.cqes + p.cq_entries * sizeof(*r.cqes);
	char *sq = mmap(NULL, size > cq_size ? size : cq_size, PROT_READ | PROT_WRITE,
		MAP_SHARED, r.fd, IORING_OFF_SQ_RING);

	must(sq != MAP_FAILED && p.features & IORING_FEAT_SINGLE_MMAP);
	r.sq_tail = (void *)(sq + p.sq_off.tail);
	r.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	r.sq_array = (void *)(sq + p.sq_off.array);
	r.cq_head = (void *)(sq + p.cq_off.head);
	r.cq_tail = (void *)(sq + p.cq_off.tail);
	r.cq_mask = (void *)(sq + p.cq_off.ring_mask);
	r.cqes = (void *)(sq + p.cq_off.cqes);
	r.sqes = mmap(NULL, p.sq_entries * sizeof(*r.sqes), PROT_READ | PROT_WRITE,
		MAP_SHARED, r.fd, IORING_OFF_SQES);
	must(r.sqes != MAP_FAILED);
	return r;
}

static int ring_do(struct ring *r, struct io_uring_sqe sqe)
{
	unsigned i = *r->sq_tail & *r->sq_mask;

	r->sqes[i] = sqe;
	r->sq_array[i] = i;
	__atomic_store_n(r->sq_tail, *r->sq_tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		fail("io_uring_enter");
	must(*r->cq_head != __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE));
	int result = r->cqes[*r->cq_head & *r->cq_mask].res;
	__atomic_store_n(r->cq_head, *r->cq_head + 1, __ATOMIC_RELEASE);
	return result;
}

static void io_uring(void)
{
	static char buf[4096] __attribute__((aligned(4096)));
	struct ring r = ring_setup();
	struct iovec iov = {buf, sizeof(buf)};
	int fd = try(open(data("uring"), O_RDWR | O_CREAT, 0600)), pair[2];

	try(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &iov, 1));
	try(syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_FILES, &fd, 1));
	memset(buf, 'u', sizeof(buf));
	must(ring_do(&r, (struct io_uring_sqe){.opcode = IORING_OP_WRITE,
				 .fd = fd,
				 .addr = (long)buf,
				 .len = 4096}) == 4096);
	memset(buf, 0, sizeof(buf));
	must(ring_do(&r, (struct io_uring_sqe){.opcode = IORING_OP_READ_FIXED,
				 .flags = IOSQE_FIXED_FILE,
				 .fd = 0,
				 .addr = (long)buf,
				 .len = 4096}) == 4096);
	must(buf[4095] == 'u');
	try(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	must(ring_do(&r, (struct io_uring_sqe){.opcode = IORING_OP_SEND,
				 .fd = pair[0],
				 .addr = (long)"hello",
				 .len = 5}) == 5);
	must(ring_do(&r, (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD,
				 .fd = pair[1],
				 .poll32_events = 1}) == 1);
	must(ring_do(&r, (struct io_uring_sqe){.opcode = IORING_OP_RECV,
				 .fd = pair[1],
				 .addr = (long)buf,
				 .len = 10}) == 5);
}

static void aio(void)
{
	aio_context_t context = 0;
	static char buf[4096] __attribute__((aligned(4096)));
	int fd = try(open(data("aio"), O_RDWR | O_CREAT, 0600));
	struct iocb cb = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			    .aio_fildes = fd,
			    .aio_buf = (long)buf,
			    .aio_nbytes = 4096},
		    *cbs = &cb;
	struct io_event event;

	try(syscall(SYS_io_setup, 4, &context));
	must(syscall(SYS_io_submit, context, 1, &cbs) == 1);
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1 &&
		event.res == 4096);
}

static void memfd(void)
{
	struct stat st;
	int fd = try(memfd_create("probe", MFD_ALLOW_SEALING | 8 /* MFD_NOEXEC_SEAL */));

	try(fstat(fd, &st));
	must(!(st.st_mode & 0111));
	refuses(EPERM, fchmod(fd, 0755));
	must(write(fd, "x", 1) == 1);
	try(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	refuses(EPERM, write(fd, "x", 1));
}

static void copying(void)
{
	const char *dir = scratch();
	int pipefd[2], a, b;

	put(in(dir, "a"), "content");
	a = try(open(in(dir, "a"), O_RDONLY));
	b = try(open(in(dir, "b"), O_RDWR | O_CREAT, 0600));
	must(sendfile(b, a, &(off_t){0}, 7) == 7);
	must(copy_file_range(a, &(off_t){0}, b, NULL, 7, 0) == 7);
	try(pipe(pipefd));
	must(splice(a, &(off_t){0}, pipefd[1], NULL, 7, 0) == 7);
	must(splice(pipefd[0], NULL, b, NULL, 7, 0) == 7);
	must(tee(pipefd[0], pipefd[1], 0, 0) == 0);
	must(contains(in(dir, "b"), "contentcontentcontent"));
	try(posix_fadvise(a, 0, 0, POSIX_FADV_DONTNEED));
}

static void stat_mount_id(void)
{
	struct statx st;

	try(statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS | STATX_MNT_ID, &st));
	must(st.stx_mask & STATX_MNT_ID);
}

static void rename2(void)
{
	const char *dir = scratch();

	put(in(dir, "a"), "one");
	put(in(dir, "b"), "two");
	refuses(EEXIST, renameat2(AT_FDCWD, in(dir, "a"), AT_FDCWD, in(dir, "b"),
				RENAME_NOREPLACE));
	try(renameat2(AT_FDCWD, in(dir, "a"), AT_FDCWD, in(dir, "b"), RENAME_EXCHANGE));
	must(contains(in(dir, "a"), "two"));
}

static void ofd_locks(void)
{
	const char *dir = scratch();
	struct flock lock = {.l_type = F_WRLCK};
	int a = try(open(in(dir, "a"), O_RDWR | O_CREAT, 0600)),
	    b = try(open(in(dir, "a"), O_RDWR));

	try(fcntl(a, F_OFD_SETLK, &lock));
	refuses(EAGAIN, fcntl(b, F_OFD_SETLK, &lock));
}

static void handles(void)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int id, dir = try(open("/data", O_RDONLY));

	put(data("handle"), "x");
	try(name_to_handle_at(AT_FDCWD, data("handle"), &handle.head, &id, 0));
	try(open_by_handle_at(dir, &handle.head, O_RDONLY));
}

static void mount_api(void)
{
	struct mount_attr {
		uint64_t set, clear, propagation, userns;
	} attr = {.set = 1 /* MOUNT_ATTR_RDONLY */};
	const char *dir = scratch();
	int fs = try(syscall(SYS_fsopen, "tmpfs", 0));

	try(syscall(SYS_fsconfig, fs, 1, "size", "64k", 0));
	try(syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	int tree = try(syscall(SYS_fsmount, fs, 0, 0));
	try(syscall(SYS_move_mount, tree, "", AT_FDCWD, dir,
		4 /* MOVE_MOUNT_F_EMPTY_PATH */));
	put(in(dir, "a"), "x");
	try(syscall(442 /* mount_setattr */, AT_FDCWD, dir, 0, &attr, sizeof(attr)));
	refuses(EROFS, open(in(dir, "a"), O_RDWR));
}

static void openat2_resolve(void)
{
	const char *dir = scratch();
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_SYMLINKS};

	try(symlink("/etc", in(dir, "link")));
	int fd = try(open(dir, O_RDONLY));
	refuses(ELOOP, syscall(SYS_openat2, fd, "link", &how, sizeof(how)));
	how.resolve = RESOLVE_BENEATH;
	refuses(EXDEV, syscall(SYS_openat2, fd, "..", &how, sizeof(how)));
}

static void list_mounts(void)
{
	struct request {
		uint32_t size, spare;
		uint64_t id, param;
	} request = {.size = 24, .id = ~0ULL /* LSMT_ROOT */};
	uint64_t ids[64];
	static char buf[4096];

	long n = try(syscall(458 /* listmount */, &request, ids, 64, 0));
	must(n > 3);
	request.id = ids[0];
	request.param = 2 /* STATMOUNT_MNT_BASIC */;
	try(syscall(457 /* statmount */, &request, buf, sizeof(buf), 0));
}

const struct probe file_probes[] = {
	{"virtio-blk: direct I/O on a volume", odirect},
	{"virtio-blk: a read-only disk refuses", read_only_disk},
	{"ext4: xattrs, punch hole, collapse, O_TMPFILE", ext4_files},
	{"ext4: ACL", ext4_acl},
	{"ext4: fs-verity digest and protection", verity},
	{"loop: an ext4 image mounted", loop_ext4},
	{"vfat with long names", vfat},
	{"ISO 9660 with Rock Ridge or Joliet", iso9660},
	{"EROFS from a regular file", erofs_file},
	{"EROFS lz4", erofs_loop},
	{"device mapper: linear", dm_linear},
	{"device mapper: verity finds a spoiled block", dm_verity},
	{"swap on a file", swap_file},
	{"overlayfs: whiteout", overlay_whiteout},
	{"overlayfs: opaque directory", overlay_opaque},
	{"overlayfs: metacopy", overlay_metacopy},
	{"overlayfs: redirect_dir", overlay_redirect},
	{"overlayfs: volatile", overlay_volatile},
	{"overlayfs: userxattr", overlay_userxattr},
	{"overlayfs in a user namespace", overlay_unprivileged},
	{"F2 overlayfs of 1, 8 and 24 lowers: rename, link, xattr, copy-up", overlay_f2},
	{"idmapped tmpfs", idmap_tmpfs},
	{"idmapped ext4", idmap_ext4},
	{"idmapped squashfs", idmap_squashfs},
	{"idmapped EROFS", idmap_erofs},
	{"FUSE", fuse},
	{"FUSE in a user namespace", fuse_unprivileged},
	{"inotify", inotify},
	{"fanotify with file ids and names", fanotify},
	{"io_uring: files, fixed buffers and files, send, poll, recv", io_uring},
	{"asynchronous I/O", aio},
	{"memfd with seals, without execute permission", memfd},
	{"copy_file_range, splice, sendfile, tee, fadvise", copying},
	{"statx with mount id", stat_mount_id},
	{"renameat2 exchange and noreplace", rename2},
	{"open file description locks", ofd_locks},
	{"file handles", handles},
	{"new mount API, mount_setattr", mount_api},
	{"openat2 refuses links and escapes", openat2_resolve},
	{"statmount, listmount", list_mounts},
	{NULL, NULL},
};
