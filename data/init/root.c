// SPDX-License-Identifier: Apache-2.0
/*
 * The container root: every layer read-only on /lower/N, an overlay of them with a tmpfs
 * on top, moved onto / in place of the initramfs. Anything that fails here is fatal, for
 * a container must not run on half of its image.
 */
#include "init.h"

static int image_init = -1; /* an /init that the delta's hides */

/* vda before vdb before vdaa. */
static bool disk_before(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	return la != lb ? la < lb : strcmp(a, b) < 0;
}

static void add_disk(struct list *names, const char *name)
{
	list_add(names, join(name, ""));
	for (size_t i = names->count - 1; i && disk_before(name, names->items[i - 1]);
		i--) {
		char *later = names->items[i - 1];
		names->items[i - 1] = names->items[i];
		names->items[i] = later;
	}
}

static void list_disks(struct list *names)
{
	DIR *dir = opendir("/sys/block");
	if (!dir)
		fatal(errno, "/sys/block");
	struct dirent *entry;
	while (errno = 0, (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vd", 2))
			add_disk(names, entry->d_name);
	if (errno)
		fatal(errno, "/sys/block");
	closedir(dir);
}

/*
 * The file system of a layer, or NULL for a volume. The disk is closed again, and with
 * its last close its pages go: a snapshot must not remember what a volume contained.
 */
static const char *layer_type(const char *device)
{
	char start[1024 + 4] = {0};
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, start, sizeof(start), 0) < 0)
		fatal(errno, device);
	close(fd);
	if (!memcmp(start, "hsqs", 4))
		return "squashfs";
	return memcmp(start + 1024, "\xe2\xe1\xf5\xe0", 4) ? NULL : "erofs";
}

/* Also for a root that somebody else has assembled: the volumes are the disks after the
 * layers. */
void find_disks(struct disks *ret)
{
	list_disks(&ret->names);
	while (ret->layers < ret->names.count) {
		char *device = join("/dev/", ret->names.items[ret->layers]);
		bool layer = layer_type(device);
		free(device);
		if (!layer)
			return;
		ret->layers++;
	}
}

static void need_directory(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		fatal(errno, path);
}

static void mount_layer(const char *name, size_t number)
{
	char *device = join("/dev/", name);
	char *target = join("/lower/", decimal((long long)number));
	const char *type = layer_type(device);
	need_directory(target);
	if (!type || mount(device, target, type, MS_RDONLY, NULL))
		fatal(type ? errno : EINVAL, "mount ", device, " (",
			type ? type : "layer", ")");
	free(target);
	free(device);
}

/* Relative names keep the options of 500 layers, overlayfs' limit, within one page. */
static void mount_overlay(size_t layers)
{
	struct text options = {0};
	text_adds(&options, "lowerdir=");
	for (size_t n = layers; n--;) {
		text_adds(&options, decimal((long long)n));
		text_adds(
			&options, n ? ":" : ",upperdir=/upper/upper,workdir=/upper/work");
	}
	if (mount("tmpfs", "/upper", "tmpfs", 0, NULL))
		fatal(errno, "mount tmpfs on /upper");
	need_directory("/upper/upper");
	need_directory("/upper/work");
	if (chdir("/lower"))
		fatal(errno, "/lower");
	if (options.len > 4095 ||
		mount("overlay", "/newroot", "overlay", 0, options.data))
		fatal(options.len > 4095 ? E2BIG : errno, "mount the overlay of ",
			decimal((long long)layers), " layers");
	text_free(&options);
}

/* The topmost /init below the delta is the image's own. */
static void remember_image_init(size_t layers)
{
	for (size_t n = layers - 1; n-- && image_init < 0;) {
		char *dir = join("/lower/", decimal((long long)n));
		char *path = join(dir, "/init");
		image_init = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (image_init < 0 && errno != ENOENT)
			complain(errno, path);
		free(path);
		free(dir);
	}
}

void show_image_init(void)
{
	struct stat st;
	char target[PATH_MAX];
	if (image_init < 0)
		return;
	char *source = descriptor_path(image_init);
	int error = fstat(image_init, &st);
	if (!error && S_ISREG(st.st_mode)) {
		error = mount(source, "/init", NULL, MS_BIND, NULL);
	} else if (!error && S_ISLNK(st.st_mode)) {
		ssize_t len = readlinkat(image_init, "", target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = 0;
		error = len < 0 || unlink("/init") || symlink(target, "/init");
	}
	if (error)
		complain(errno, "show the image's own /init");
	free(source);
	close(image_init);
}

/* Frees the memory of the initramfs: its files, not what is mounted in it. */
static void delete_files(int fd, dev_t device)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		complain(errno, "free the initramfs");
		if (fd >= 0)
			close(fd);
		return;
	}
	struct dirent *entry;
	while (errno = 0, (entry = readdir(dir))) {
		struct stat st;
		const char *name = entry->d_name;
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW))
			complain(errno, "free the initramfs: ", name);
		else if (st.st_dev == device && S_ISDIR(st.st_mode))
			delete_files(
				openat(dirfd(dir), name,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				device);
		else if (st.st_dev == device && unlinkat(dirfd(dir), name, 0))
			complain(errno, "free the initramfs: ", name);
	}
	if (errno)
		complain(errno, "free the initramfs");
	closedir(dir);
}

static void free_initramfs(void)
{
	struct stat st;
	if (stat("/", &st))
		complain(errno, "free the initramfs");
	else
		delete_files(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), st.st_dev);
}

static void move_into_root(void)
{
	static const char *const moved[][2] = {
		{"/dev", "/newroot/dev"},
		{"/proc", "/newroot/proc"},
		{"/sys", "/newroot/sys"},
	};
	for (int i = 0; i < 3; i++) {
		need_directory(moved[i][1]);
		if (mount(moved[i][0], moved[i][1], NULL, MS_MOVE, NULL))
			fatal(errno, "move ", moved[i][0], " into the container");
	}
	if (chdir("/newroot") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") ||
		chdir("/"))
		fatal(errno, "enter the container root");
}

void enter_container(struct disks *disks)
{
	if (!disks->names.count)
		fatal(0, "no layer: there is no disk /dev/vda");
	if (!disks->layers)
		fatal(0, "no layer: /dev/vda holds neither squashfs nor EROFS");
	need_directory("/lower");
	need_directory("/upper");
	need_directory("/newroot");
	for (size_t n = 0; n < disks->layers; n++)
		mount_layer(disks->names.items[n], n);
	mount_overlay(disks->layers);
	remember_image_init(disks->layers);
	free_initramfs();
	move_into_root();
}
