// SPDX-License-Identifier: Apache-2.0
/* File systems and file calls. /data is ext4 with verity and encryption, its images are from the test. */
#include "probe.h"
#include <dirent.h>
#include <linux/aio_abi.h>
#include <linux/dm-ioctl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/fuse.h>
#include <linux/if_alg.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/sendfile.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static char *in(const char *dir, const char *name)
{
	return path("%s/%s", dir, name);
}

static const char *data(const char *name)
{
	return in("/data", name);
}

static int write_at(const char *file, const void *bytes, size_t len, off_t at)
{
	int fd = try(open(file, O_RDWR | O_CREAT, 0600));

	must(pwrite(fd, bytes, len, at) == (ssize_t)len);
	try(fsync(fd));
	return fd;
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
	access_list(data("acl"));
}

/* A copy of an image of the test's, on a loop device. */
static const char *loop_copy(const char *image)
{
	const char *copy = in(scratch(), "image");

	must(shell(path("busybox cp /data/images/%s %s", image, copy)) == 0);
	return loop_device(copy, 0);
}

/* Written, mounted again, read back, and the blocks of a deleted file given back. */
static void ext4_image(const char *image)
{
	static char block[1 << 19];
	struct fstrim_range all = {.len = ~0ULL};
	const char *loop = loop_copy(image), *dir = scratch();

	try(mount(loop, dir, "ext4", 0, NULL));
	put(in(dir, "file"), "content");
	int fd = try(open(in(dir, "large"), O_RDWR | O_CREAT, 0600));
	must(write(fd, block, sizeof(block)) == sizeof(block));
	close(fd);
	try(umount(dir));
	try(mount(loop, dir, "ext4", 0, NULL));
	must(contains(in(dir, "file"), "content"));
	try(unlink(in(dir, "large")));
	fd = try(open(dir, O_RDONLY));
	try(syncfs(fd));
	try(ioctl(fd, FITRIM, &all));
	must(all.len >= sizeof(block));
	close(fd);
	try(umount(dir));
}

static void ext4_journal(void)
{
	ext4_image("ext4");
}

static void ext4_no_journal(void)
{
	ext4_image("ext4-no-journal");
}

static void fscrypt(void)
{
	struct {
		struct fscrypt_add_key_arg head;
		char raw[64];
	} key = {.head.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER,
		.head.raw_size = 64,
		.raw = "secret"};
	struct fscrypt_policy_v2 policy = {.version = 2,
		.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
		.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32};
	struct fscrypt_remove_key_arg forget = {
		.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER};
	const char *dir = data("encrypted");
	int fs = try(open("/data", O_RDONLY));

	offered(ioctl(fs, FS_IOC_ADD_ENCRYPTION_KEY, &key));
	memcpy(policy.master_key_identifier, key.head.key_spec.u.identifier, 16);
	memcpy(forget.key_spec.u.identifier, key.head.key_spec.u.identifier, 16);
	must(shell("busybox rm -rf /data/encrypted") == 0);
	try(mkdir(dir, 0755));
	int fd = try(open(dir, O_RDONLY));
	try(ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy));
	close(fd);
	put(in(dir, "name"), "content");
	must(contains(in(dir, "name"), "content"));
	try(syncfs(fs));
	try(ioctl(fs, FS_IOC_REMOVE_ENCRYPTION_KEY, &forget));
	must(forget.removal_status_flags == 0);
	refuses(ENOENT, access(in(dir, "name"), F_OK));
}

static const char *limited_dir;

static void over_limit(void)
{
	static char block[1024];
	int fd, n = 0;

	try(setresuid(1000, 1000, 1000));
	fd = try(open(in(limited_dir, "file"), O_RDWR | O_CREAT, 0600));
	while (write(fd, block, sizeof(block)) == sizeof(block))
		n++;
	must(errno == EDQUOT && n >= 56 && n <= 64);
}

/* 64 KiB for a user or a project. */
static void quota(int type, int id, const char *options)
{
	struct dqblk limit = {.dqb_bhardlimit = 64, .dqb_valid = QIF_BLIMITS};
	const char *loop = loop_copy("ext4-quota"), *dir = scratch();
	struct fsxattr x;

	if (mount(loop, dir, "ext4", 0, options) < 0)
		absent();
	limited_dir = in(dir, "limited");
	try(mkdir(limited_dir, 0777));
	try(chmod(limited_dir, 0777));
	int fd = try(open(limited_dir, O_RDONLY));
	try(ioctl(fd, FS_IOC_FSGETXATTR, &x));
	x.fsx_projid = type == PRJQUOTA ? id : 0;
	x.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	try(ioctl(fd, FS_IOC_FSSETXATTR, &x));
	close(fd);
	try(quotactl(QCMD(Q_SETQUOTA, type), loop, id, (void *)&limit));
	child(0, over_limit);
	try(umount(dir));
}

static void user_quota(void)
{
	quota(USRQUOTA, 1000, "usrquota");
}

static void project_quota(void)
{
	quota(PRJQUOTA, 4711, "prjquota");
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
	const char *dir = scratch();

	/* The image is a file on ext4, as a user's is. */
	must(shell("busybox cp /data/images/ext4 /data/image") == 0);
	try(mount(loop_device(data("image"), 0), dir, "ext4", 0, NULL));
	put(in(dir, "file"), "x");
	try(umount(dir));
}

/* The content and so many attributes are as the test made them. */
static void tree(const char *dir, int attributes)
{
	static const char *const names[] = {"user.probe", "security.probe"};
	char value[8];

	must(contains(in(dir, "A long file näme"), "content"));
	for (int i = 0; i < attributes; i++)
		must(getxattr(in(dir, "A long file näme"), names[i], value, 8) == 5 &&
			!memcmp(value, "value", 5));
}

static void foreign(
	const char *image, const char *type, const char *options, int attributes)
{
	const char *dir = scratch();

	offered(mount(loop_device(in("/data/images", image), 0), dir, type, MS_RDONLY,
		options));
	tree(dir, attributes);
	if (attributes)
		must(shell(path("seq 1 20000 | cmp - '%s'", in(dir, "numbers"))) == 0);
}

static void vfat(void)
{
	foreign("vfat", "vfat", "utf8", 0);
}

static void rock_ridge(void)
{
	struct stat st;
	const char *dir = scratch();

	try(mount(loop_device("/data/images/iso", 0), dir, "iso9660", MS_RDONLY,
		"nojoliet"));
	tree(dir, 0);
	try(lstat(in(dir, "link"), &st));
	must(S_ISLNK(st.st_mode));
}

static void joliet(void)
{
	foreign("iso", "iso9660", "norock,utf8", 0);
}

static void squashfs_gzip(void)
{
	foreign("squashfs-gzip", "squashfs", NULL, 2);
}

static void squashfs_xz(void)
{
	foreign("squashfs-xz", "squashfs", NULL, 2);
}

static void squashfs_zstd(void)
{
	foreign("squashfs-zstd", "squashfs", NULL, 2);
}

static void squashfs_lz4(void)
{
	foreign("squashfs-lz4", "squashfs", NULL, 2);
}

static void squashfs_lzo(void)
{
	foreign("squashfs-lzo", "squashfs", NULL, 2);
}

static void erofs_plain(void)
{
	foreign("erofs", "erofs", NULL, 1);
}

static void erofs_lz4(void)
{
	foreign("erofs-lz4", "erofs", NULL, 1);
}

/*
 * Debian's mkfs.erofs compresses with LZ4 alone. This image has the root directory, and in it the file "z": 8192
 * times the letter z, as two logical clusters in one physical one, which ends with the compressed stream.
 */
static void erofs_stream(
	int algorithm, const void *config, int config_size, const void *stream, int size)
{
	static union {
		uint8_t byte[8192];
		uint16_t word[4096];
		uint32_t dword[2048];
		uint64_t qword[1024];
	} image;
	const char *file = data("stream"), *dir = scratch();
	static char z[8192], content[8192];

	/* The super block, and behind it what the algorithm wants to know. */
	image.dword[1024 / 4] = 0xe0f5e1e2;
	image.byte[1024 + 12] = 12 /* block bits */;
	image.word[(1024 + 14) / 2] = 64 /* root nid */;
	image.dword[(1024 + 36) / 4] = 2 /* blocks */;
	image.dword[(1024 + 80) / 4] = 3 /* zero padding, compression configured */;
	image.word[(1024 + 84) / 2] = 1 << algorithm;
	image.word[1152 / 2] = config_size;
	memcpy(image.byte + 1154, config, config_size);
	/* The directory: an inode with its entries inline. */
	image.word[2048 / 2] = 2 << 1;
	image.word[2052 / 2] = S_IFDIR | 0755;
	image.word[2054 / 2] = 2;
	image.dword[2056 / 4] = 3 * 12 + 4;
	memcpy(image.byte + 2080,
		"\100\0\0\0\0\0\0\0\44\0\2\0\100\0\0\0\0\0\0\0\45\0\2\0"
		"\120\0\0\0\0\0\0\0\47\0\1\0...z",
		40);
	/* The file: an inode with full indexes. */
	image.word[2560 / 2] = 1 << 1;
	image.word[2564 / 2] = S_IFREG | 0644;
	image.word[2566 / 2] = 1;
	image.dword[2568 / 4] = sizeof(z);
	image.dword[2576 / 4] = 1 /* compressed blocks */;
	image.byte[2592 + 6] = algorithm;
	image.word[2608 / 2] = 1 /* head */;
	image.dword[2612 / 4] = 1 /* block */;
	image.word[2616 / 2] = 2 /* no head */;
	image.word[2620 / 2] = 1 /* from the head */;
	image.word[2622 / 2] = 1 /* to the next */;
	memcpy(image.byte + 8192 - size, stream, size);
	close(write_at(file, image.byte, sizeof(image), 0));
	offered(mount(file, dir, "erofs", MS_RDONLY, NULL));
	memset(z, 'z', sizeof(z));
	int fd = try(open(in(dir, "z"), O_RDONLY));
	must(read(fd, content, sizeof(content)) == sizeof(content));
	must(!memcmp(content, z, sizeof(z)));
}

static void erofs_zstd(void)
{
	/* A frame of 8192 bytes with one block, a run. */
	static const char frame[] = "\50\265\57\375\140\0\37\3\0\1z";

	erofs_stream(3, (char[6]){0, 3 /* 8 KiB window */}, 6, frame, sizeof(frame) - 1);
}

static void erofs_deflate(void)
{
	static const char stream[] = "\355\301\1\15\0\0\0\302\240\336\117\157\16\67"
				     "\240\0\0\0\0\0\0\0\200\167\3";

	erofs_stream(2, (char[6]){15 /* window bits */}, 6, stream, sizeof(stream) - 1);
}

static void erofs_lzma(void)
{
	static const char stream[] = "\242\75\157\373\277\376\243\261\136\345\370\77"
				     "\262\252\46\125\370\150\160\101\160\25\17\215"
				     "\375\36\114\33\212\102\267\31\364\151\30\154"
				     "\341\246\127";

	erofs_stream(
		1, (char[14]){0, 32 /* 8 KiB dictionary */}, 14, stream, sizeof(stream));
}

/* The list lets user 1000 read what the mode does not. */
static void erofs_acl(void)
{
	const char *dir = scratch();

	try(mount("/data/images/erofs", dir, "erofs", MS_RDONLY, NULL));
	try(setresgid(1000, 1000, 1000));
	try(setresuid(1000, 1000, 1000));
	must(contains(in(dir, "for-user"), "content"));
	refuses(EACCES, open(in(dir, "for-nobody"), O_RDONLY));
}

static void erofs_file(void)
{
	const char *dir = scratch();

	try(mount("/data/images/erofs", dir, "erofs", MS_RDONLY, NULL));
	tree(dir, 1);
}

static void erofs_devices(void)
{
	const char *dir = scratch();

	try(mount("/data/images/erofs-split", dir, "erofs", MS_RDONLY,
		"device=/data/images/erofs-blob"));
	must(shell(path("seq 1 20000 | cmp - '%s'", in(dir, "numbers"))) == 0);
}

static void xfs(void)
{
	if (!contains("/proc/filesystems", "\txfs\n"))
		absent();
	foreign("xfs", "xfs", NULL, 0);
}

static void nfs(void)
{
	if (!contains("/proc/filesystems", "\tnfs4\n"))
		absent();
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
	offered(ioctl(control, command, m));
}

static const char *dm_node;

/* Creates a mapped device and its node, dm_node; returns it opened for reading. */
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
	dm_node = in(scratch(), "mapped");
	try(mknod(dm_node, S_IFBLK | 0600, dev));
	return try(open(dm_node, O_RDONLY));
}

static void dm_remove(const char *name)
{
	struct dm_message m = {.head.flags = DM_DEFERRED_REMOVE};
	int control = try(open("/dev/mapper/control", O_RDWR));

	dm(control, DM_DEV_REMOVE, &m, name);
}

static void dm_linear(void)
{
	char c, *file = in(scratch(), "disk");

	put(file, "");
	const char *loop = loop_device(file, 1 << 20);
	write_at(file, "L", 1, 4096);
	int fd = dm_create("probe-linear", "linear", 16, path("%s 8", loop), 0);
	must(read(fd, &c, 1) == 1 && c == 'L');
	close(fd);
	dm_remove("probe-linear");
}

static void dm_crypt(void)
{
	static char block[4096];
	char *file = in(scratch(), "disk");

	put(file, "");
	const char *loop = loop_device(file, 1 << 20);
	int fd = dm_create("probe-crypt", "crypt", 2048,
		path("aes-xts-plain64 %064d%064d 0 %s 0", 1, 2, loop), 0);
	close(fd);
	fd = try(open(dm_node, O_RDWR));
	memset(block, 'p', sizeof(block));
	must(write(fd, block, sizeof(block)) == sizeof(block));
	try(fsync(fd));
	close(fd);
	fd = try(open(file, O_RDONLY));
	must(read(fd, block, sizeof(block)) == sizeof(block));
	must(!memmem(block, sizeof(block), "pppp", 4));
	fd = try(open(dm_node, O_RDONLY));
	must(read(fd, block, sizeof(block)) == sizeof(block) && block[4095] == 'p');
	close(fd);
	dm_remove("probe-crypt");
}

/* What is written to the snapshot does not reach its origin. */
static void dm_snapshot(void)
{
	char c, *origin = in(scratch(), "origin"), *store = in(scratch(), "store");

	put(origin, "");
	put(store, "");
	const char *loop = loop_device(origin, 1 << 20),
		   *cow = loop_device(store, 1 << 20);
	write_at(origin, "O", 1, 4096);
	int fd = dm_create(
		"probe-snapshot", "snapshot", 2048, path("%s %s N 8", loop, cow), 0);
	close(fd);
	close(write_at(dm_node, "S", 1, 4096));
	fd = try(open(dm_node, O_RDONLY));
	must(pread(fd, &c, 1, 4096) == 1 && c == 'S');
	close(fd);
	fd = try(open(origin, O_RDONLY));
	must(pread(fd, &c, 1, 4096) == 1 && c == 'O');
	dm_remove("probe-snapshot");
}

/* A volume larger than its pool takes from it what is written. */
static void dm_thin(void)
{
	struct {
		struct dm_ioctl head;
		struct dm_target_msg message;
		char text[64];
	} m = {.head = {.version = {DM_VERSION_MAJOR},
		       .name = "probe-pool",
		       .data_size = sizeof(m),
		       .data_start = sizeof(m.head)},
		.text = "create_thin 0"};
	char c, *meta = in(scratch(), "meta"), *pool = in(scratch(), "pool");

	put(meta, "");
	put(pool, "");
	const char *meta_loop = loop_device(meta, 2 << 20),
		   *loop = loop_device(pool, 1 << 20);
	int pool_fd = dm_create("probe-pool", "thin-pool", 2048,
		path("%s %s 128 0 0", meta_loop, loop), 0);
	const char *pool_node = dm_node;
	try(ioctl(try(open("/dev/mapper/control", O_RDWR)), DM_TARGET_MSG, &m));
	int fd = dm_create("probe-thin", "thin", 1 << 20, path("%s 0", pool_node), 0);
	close(fd);
	close(write_at(dm_node, "T", 1, 100 << 20));
	fd = try(open(dm_node, O_RDONLY));
	must(pread(fd, &c, 1, 100 << 20) == 1 && c == 'T');
	close(fd);
	close(pool_fd);
	dm_remove("probe-thin");
	dm_remove("probe-pool");
}

static void dm_verity(void)
{
	static char blocks[3][4096] __attribute__((aligned(4096)));
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
	close(dm_create("probe-verity", "verity", 16, params, 1));
	/* Each block by itself, however large the pages of the cache are. */
	int fd = try(open(dm_node, O_RDONLY | O_DIRECT));
	must(pread(fd, blocks[0], 4096, 0) == 4096 && blocks[0][0] == 'g');
	refuses(EIO, pread(fd, blocks[1], 4096, 4096));
	close(fd);
	dm_remove("probe-verity");
}

void swap_on(const char *file, long size)
{
	char *head = pages(1);
	int fd = try(open(file, O_RDWR | O_CREAT, 0600));

	((uint32_t *)head)[256] = 1;
	((uint32_t *)head)[257] = size / page_size() - 1;
	memcpy(head + page_size() - 10, "SWAPSPACE2", 10);
	must(write(fd, head, page_size()) == page_size());
	try(fsync(fd));
	close(fd);
	try(swapon(file, 0));
}

/* Pages of ours that were pushed out come back from there as they were. */
static void swaps(const char *file)
{
	long n = 64, bytes = n * page_size();
	char *p = pages(n);
	long before = number("/proc/vmstat", "pswpout ");

	for (long i = 0; i < bytes; i++)
		p[i] = (i / 1024) & 0x7f;
	try(madvise(p, bytes, MADV_PAGEOUT));
	must(number("/proc/vmstat", "pswpout ") >= before + n / 2);
	for (long i = 0; i < bytes; i++)
		must(p[i] == ((i / 1024) & 0x7f));
	try(swapoff(file));
}

static void swap_file(void)
{
	int fd = try(open(data("swap"), O_RDWR | O_CREAT | O_TRUNC, 0600));

	try(posix_fallocate(fd, 0, 4 << 20));
	close(fd);
	swap_on(data("swap"), 4 << 20);
	swaps(data("swap"));
}

static void swap_disk(void)
{
	swap_on(disk("probe-swap"), 8 << 20);
	swaps(disk("probe-swap"));
}

static void zram(void)
{
	if (access("/sys/class/zram-control/hot_add", F_OK) < 0)
		absent();
	int n = atoi(get("/sys/class/zram-control/hot_add"));
	const char *device = path("/dev/zram%d", n);
	put(path("/sys/block/zram%d/disksize", n), "16M");
	swap_on(device, 16 << 20);
	swaps(device);
	long original, compressed;
	must(sscanf(get(path("/sys/block/zram%d/mm_stat", n)), "%ld %ld", &original,
		     &compressed) == 2);
	must(compressed > 0 && compressed < original / 2);
	put("/sys/class/zram-control/hot_remove", path("%d", n));
}

/* Compressed pages are counted before any reaches the disk. */
static void zswap(void)
{
	static const char enabled[] = "/sys/module/zswap/parameters/enabled";
	long n = 256;
	char *p = pages(n);

	if (access(enabled, F_OK) < 0)
		absent();
	put(enabled, "1");
	swap_on(disk("probe-swap"), 8 << 20);
	long before = number("/proc/vmstat", "zswpout ");
	for (long i = 0; i < n * page_size(); i++)
		p[i] = (i / 1024) & 0x7f;
	try(madvise(p, n * page_size(), MADV_PAGEOUT));
	long after = number("/proc/vmstat", "zswpout ");
	must(after > before && number("/proc/meminfo", "Zswapped:") > 0);
	must(number("/proc/meminfo", "Zswap:") < number("/proc/meminfo", "Zswapped:"));
	must(p[1024] == 1);
	try(swapoff(disk("probe-swap")));
	put(enabled, "0");
}

/* lower/file, lower/dir/inside, perhaps another name of the first; an overlay at merged. */
static const char *overlay_over(const char *more, const char *link)
{
	const char *dir = scratch();
	static const char *const dirs[] = {
		"lower", "lower/dir", "upper", "work", "merged"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		try(mkdir(in(dir, dirs[i]), 0755));
	put(in(dir, "lower/file"), "content");
	put(in(dir, "lower/dir/inside"), "content");
	if (link)
		try(linkat(AT_FDCWD, in(dir, "lower/file"), AT_FDCWD,
			path("%s/lower/%s", dir, link), 0));
	offered(mount("overlay", in(dir, "merged"), "overlay", 0,
		path("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work%s", dir, dir,
			dir, more)));
	return dir;
}

static const char *overlay(const char *more)
{
	return overlay_over(more, NULL);
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

static void overlay_100(void)
{
	overlay_lowers(100);
}

/* The file's metadata are in one lower layer, its data in one that is not seen. */
static void overlay_data_only(void)
{
	const char *dir = scratch(), *merged = scratch();

	try(mkdir(in(dir, "meta"), 0755));
	try(mkdir(in(dir, "data"), 0755));
	put(in(dir, "data/blob"), "content");
	try(mknod(in(dir, "meta/file"), S_IFREG | 0644, 0));
	try(truncate(in(dir, "meta/file"), 7));
	try(setxattr(in(dir, "meta/file"), "trusted.overlay.metacopy", "", 0, 0));
	try(setxattr(in(dir, "meta/file"), "trusted.overlay.redirect", "/blob", 5, 0));
	try(mount("overlay", merged, "overlay", 0,
		path("metacopy=on,redirect_dir=on,lowerdir=%s/meta::%s/data", dir, dir)));
	must(contains(in(merged, "file"), "content"));
	refuses(ENOENT, access(in(merged, "blob"), F_OK));
}

/* With an index two names of one lower file stay one when it is written to. */
static void overlay_index(void)
{
	struct stat st;
	const char *dir = overlay_over(",index=on", "linked");

	int fd = try(open(in(dir, "merged/linked"), O_WRONLY | O_TRUNC));
	must(write(fd, "changed", 7) == 7);
	must(contains(in(dir, "merged/file"), "changed"));
	try(stat(in(dir, "merged/file"), &st));
	must(st.st_nlink == 2);
}

static void overlay_nfs_export(void)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	const char *dir = overlay(",index=on,nfs_export=on");
	int id, root = try(open(in(dir, "merged"), O_RDONLY));

	try(name_to_handle_at(AT_FDCWD, in(dir, "merged/file"), &handle.head, &id, 0));
	char byte;
	int fd = try(open_by_handle_at(root, &handle.head, O_RDONLY));
	must(read(fd, &byte, 1) == 1 && byte == 'c');
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

/* Owner 0 of the mount is seen as ID. */
static void idmapped(int tree, int id)
{
	struct mount_attr {
		uint64_t set, clear, propagation, userns;
	} attr = {.set = 0x100000 /* MOUNT_ATTR_IDMAP */};
	pid_t pid = try(fork());

	if (!pid) {
		try(unshare(CLONE_NEWUSER));
		pause();
	}
	const char *namespace = path("/proc/%d/ns/user", pid);
	char own[64] = "", other[64] = "";

	try(readlink("/proc/self/ns/user", own, 63));
	do {
		usleep(1000);
		try(readlink(namespace, other, 63));
	} while (!strcmp(own, other));
	put(path("/proc/%d/uid_map", pid), path("0 %d 1", id));
	put(path("/proc/%d/gid_map", pid), path("0 %d 1", id));
	attr.userns = try(open(namespace, O_RDONLY));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	try(syscall(
		442 /* mount_setattr */, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)));
}

static int clone_tree(const char *path)
{
	return try(syscall(SYS_open_tree, AT_FDCWD, path, 1 /* OPEN_TREE_CLONE */));
}

static void idmap(int tree)
{
	struct stat st;

	idmapped(tree, 5000);
	try(fstatat(tree, "", &st, AT_EMPTY_PATH));
	must(st.st_uid == 5000);
}

/* A lower layer whose owner 0 is seen as 5000, in the overlay too. */
static void overlay_idmapped_lower(void)
{
	struct stat st;
	const char *dir = scratch(), *lower = scratch(), *merged = scratch();
	int tree = clone_tree(dir);

	put(in(dir, "file"), "content");
	idmapped(tree, 5000);
	try(syscall(SYS_move_mount, tree, "", AT_FDCWD, lower,
		4 /* MOVE_MOUNT_F_EMPTY_PATH */));
	const char *upper = scratch();
	try(mkdir(in(upper, "u"), 0755));
	try(mkdir(in(upper, "w"), 0755));
	try(mount("overlay", merged, "overlay", 0,
		path("lowerdir=%s,upperdir=%s/u,workdir=%s/w", lower, upper, upper)));
	try(stat(in(merged, "file"), &st));
	must(st.st_uid == 5000);
	must(contains(in(merged, "file"), "content"));
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
	struct stat st;
	const char *dir = scratch();
	int fd = try(open("/dev/fuse", O_RDWR));

	try(mount("probe", dir, "fuse", MS_NOSUID | MS_NODEV,
		path("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)));
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

static void fanotify_permission(void)
{
	struct fanotify_event_metadata event;
	struct fanotify_response answer = {.response = FAN_DENY};
	int fd = offered(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));

	unlink(data("guarded"));
	put(data("guarded"), "x");
	offered(fanotify_mark(
		fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, data("guarded")));
	pid_t pid = try(fork());
	if (!pid) {
		refuses(EPERM, open(data("guarded"), O_RDONLY));
		_exit(0);
	}
	must(read(fd, &event, sizeof(event)) == sizeof(event));
	answer.fd = event.fd;
	try(write(fd, &answer, sizeof(answer)));
	await(pid);
}

/* io_uring without its library: one submission at a time. */
struct ring {
	int fd;
	unsigned *sq_tail, *sq_mask, *sq_flags, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct ring ring_setup(struct io_uring_params *p)
{
	struct ring r = {.fd = try(syscall(SYS_io_uring_setup, 8, p))};
	size_t size = p->sq_off.array + p->sq_entries * 4,
	       cq_size = p->cq_off.cqes + p->cq_entries * sizeof(*r.cqes);
	char *sq = mmap(NULL, size > cq_size ? size : cq_size, PROT_READ | PROT_WRITE,
		MAP_SHARED, r.fd, IORING_OFF_SQ_RING);

	must(sq != MAP_FAILED && p->features & IORING_FEAT_SINGLE_MMAP);
	r.sq_tail = (void *)(sq + p->sq_off.tail);
	r.sq_mask = (void *)(sq + p->sq_off.ring_mask);
	r.sq_flags = (void *)(sq + p->sq_off.flags);
	r.sq_array = (void *)(sq + p->sq_off.array);
	r.cq_head = (void *)(sq + p->cq_off.head);
	r.cq_tail = (void *)(sq + p->cq_off.tail);
	r.cq_mask = (void *)(sq + p->cq_off.ring_mask);
	r.cqes = (void *)(sq + p->cq_off.cqes);
	r.sqes = mmap(NULL, p->sq_entries * sizeof(*r.sqes), PROT_READ | PROT_WRITE,
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
	struct ring r = ring_setup(&(struct io_uring_params){0});
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

/* Nobody enters the kernel for the submission, unless its thread has fallen asleep. */
static void io_uring_sqpoll(void)
{
	struct io_uring_params p = {.flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 1000};
	struct ring r = ring_setup(&p);

	r.sqes[0] = (struct io_uring_sqe){.opcode = IORING_OP_NOP};
	r.sq_array[0] = 0;
	__atomic_store_n(r.sq_tail, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 1000 && !__atomic_load_n(r.cq_tail, __ATOMIC_ACQUIRE); i++) {
		if (__atomic_load_n(r.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
			try(syscall(SYS_io_uring_enter, r.fd, 0, 0,
				IORING_ENTER_SQ_WAKEUP, NULL, 0));
		usleep(10000);
	}
	must(__atomic_load_n(r.cq_tail, __ATOMIC_ACQUIRE) == 1);
}

static void secret_memory(void)
{
	int fd = offered(syscall(447 /* memfd_secret */, 0));
	char byte;

	try(ftruncate(fd, page_size()));
	char *p = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p != MAP_FAILED);
	*p = 's';
	/* Not even by a tracer's way. */
	int mem = try(open("/proc/self/mem", O_RDONLY));
	must(pread(mem, &byte, 1, (long)p) < 0);
}

static void cache_statistics(void)
{
	uint64_t range[2] = {0, 0}, stat[5] = {0};
	const char *file = in(scratch(), "a");

	put(file, "x");
	offered(syscall(451 /* cachestat */, open(file, O_RDONLY), range, stat, 0));
	must(stat[0] == 1);
}

static void fchmodat2(void)
{
	struct stat st;
	const char *dir = scratch();

	put(in(dir, "a"), "x");
	try(symlink("a", in(dir, "link")));
	offered(syscall(
		452 /* fchmodat2 */, AT_FDCWD, in(dir, "a"), 0751, AT_SYMLINK_NOFOLLOW));
	try(stat(in(dir, "a"), &st));
	must((st.st_mode & 0777) == 0751);
	refuses(EOPNOTSUPP,
		syscall(452, AT_FDCWD, in(dir, "link"), 0700, AT_SYMLINK_NOFOLLOW));
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
	{R, "ext4: direct I/O", odirect},
	{R, "ext4: xattrs, punch hole, collapse, O_TMPFILE", ext4_files},
	{R, "ext4: ACL", ext4_acl},
	{R, "ext4 with journal: remount, discard", ext4_journal},
	{R, "ext4 without journal: remount, discard", ext4_no_journal},
	{R, "ext4: fs-verity digest and protection", verity},
	{N, "ext4: fscrypt", fscrypt},
	{N, "ext4: user quota", user_quota},
	{N, "ext4: project quota", project_quota},
	{R, "squashfs gzip, xattrs", squashfs_gzip},
	{R, "squashfs xz, xattrs", squashfs_xz},
	{R, "squashfs zstd, xattrs", squashfs_zstd},
	{N, "squashfs lz4, xattrs", squashfs_lz4},
	{N, "squashfs lzo, xattrs", squashfs_lzo},
	{R, "EROFS plain, xattrs", erofs_plain},
	{R, "EROFS lz4, xattrs", erofs_lz4},
	{R, "EROFS zstd", erofs_zstd},
	{R, "EROFS ACL", erofs_acl},
	{N, "EROFS deflate", erofs_deflate},
	{N, "EROFS lzma", erofs_lzma},
	{R, "EROFS from a regular file", erofs_file},
	{R, "EROFS over several devices", erofs_devices},
	{R, "vfat: long names, utf8", vfat},
	{R, "ISO 9660: Rock Ridge", rock_ridge},
	{R, "ISO 9660: Joliet", joliet},
	{N, "XFS", xfs},
	{R, "loop: an ext4 image on ext4", loop_ext4},
	{R, "device mapper: linear", dm_linear},
	{R, "device mapper: verity finds a spoiled block", dm_verity},
	{N, "device mapper: crypt", dm_crypt},
	{N, "device mapper: snapshot", dm_snapshot},
	{N, "device mapper: thin pool", dm_thin},
	{R, "swap on a disk", swap_disk},
	{R, "swap on a file", swap_file},
	{N, "swap on zram", zram},
	{N, "zswap", zswap},
	{R, "overlayfs: whiteout", overlay_whiteout},
	{R, "overlayfs: opaque directory", overlay_opaque},
	{R, "overlayfs: metacopy", overlay_metacopy},
	{R, "overlayfs: redirect_dir", overlay_redirect},
	{R, "overlayfs: volatile", overlay_volatile},
	{R, "overlayfs: userxattr", overlay_userxattr},
	{R, "overlayfs of 1, 8 and 24 lowers: rename, link, xattr, copy-up", overlay_f2},
	{N, "overlayfs of 100 lowers", overlay_100},
	{N, "overlayfs: data-only lowers", overlay_data_only},
	{N, "overlayfs: index", overlay_index},
	{N, "overlayfs: nfs_export", overlay_nfs_export},
	{R, "overlayfs in a user namespace", overlay_unprivileged},
	{R, "overlayfs over an idmapped lower", overlay_idmapped_lower},
	{R, "idmapped tmpfs", idmap_tmpfs},
	{R, "idmapped ext4", idmap_ext4},
	{R, "idmapped squashfs", idmap_squashfs},
	{R, "idmapped EROFS", idmap_erofs},
	{R, "FUSE", fuse},
	{R, "FUSE in a user namespace", fuse_unprivileged},
	{N, "NFS client", nfs},
	{R, "inotify", inotify},
	{R, "fanotify with file ids and names", fanotify},
	{N, "fanotify permission events", fanotify_permission},
	{R, "io_uring: files, fixed buffers and files, send, poll, recv", io_uring},
	{N, "io_uring: SQPOLL", io_uring_sqpoll},
	{R, "asynchronous I/O", aio},
	{R, "memfd with seals, without execute permission", memfd},
	{R, "copy_file_range, splice, sendfile, fadvise", copying},
	{R, "statx with mount id", stat_mount_id},
	{R, "renameat2 exchange and noreplace", rename2},
	{R, "open file description locks", ofd_locks},
	{R, "file handles", handles},
	{R, "new mount API, mount_setattr", mount_api},
	{R, "openat2 refuses links and escapes", openat2_resolve},
	{R, "statmount, listmount", list_mounts},
	{N, "memfd_secret", secret_memory},
	{N, "cachestat", cache_statistics},
	{N, "fchmodat2", fchmodat2},
	{R, NULL, NULL},
};
