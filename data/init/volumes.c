// SPDX-License-Identifier: Apache-2.0
/* Volumes: the disks after the layers, on the paths of /.supermachine-volumes, in order.
   They are not touched before the heartbeat: a snapshot taken there is restored over
   other content. */
#include "init.h"

static const char VOLUMES[] = "/.supermachine-volumes";

static int is_fresh(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int fresh = 1;
	if (!dir)
		return -errno;
	while (errno = 0, (entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "lost+found"))
			fresh = 0;
	}
	if (errno)
		fresh = -errno;
	closedir(dir);
	return fresh;
}

/* A fresh volume looks like the image's directory that it hides. */
static int adopt_owner(int root, const char *path, const struct stat *image)
{
	int fd = open_in_root(root, path, O_RDONLY | O_DIRECTORY);
	int copy = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int fresh = copy < 0 ? -errno : is_fresh(copy);
	if (fresh > 0 && (fchown(fd, image->st_uid, image->st_gid) ||
				 fchmod(fd, image->st_mode & 07777)))
		fresh = -errno;
	if (fd >= 0)
		close(fd);
	return fresh < 0 ? fresh : 0;
}

static void mount_volume(int root, const char *disk, const char *path)
{
	struct stat image;
	char *device = join("/dev/", disk);
	int under = *path == '/' ? make_path(root, path, FOLLOWED_LINKS) : -EINVAL;
	int error = under < 0 ? under : fstat(under, &image) ? -errno : 0;
	char *target = descriptor_path(under);
	if (!error && mount(device, target, "ext4", 0, NULL))
		error = -errno;
	if (error)
		complain(-error, "mount ", device, " on ", path);
	else
		say("mounted ", device, " -> ", path, " (ext4, rw)");
	if (!error)
		error = adopt_owner(root, path, &image);
	else
		error = 0;
	if (error)
		complain(-error, "owner of ", path);
	if (under >= 0)
		close(under);
	free(target);
	free(device);
}

static void read_paths(struct text *file, struct list *ret)
{
	struct span rest, line;
	int error = read_file(VOLUMES, file);
	if (error && error != -ENOENT)
		complain(-error, VOLUMES);
	rest = text_span(file);
	while (span_cut(&rest, '\n', &line)) {
		line = span_trim_end(line, "\r");
		if (line.len)
			list_add(ret, span_copy(line));
	}
}

void mount_volumes(const struct disks *disks)
{
	struct text file = {0};
	struct list paths = {0};
	size_t volumes = disks->names.count - disks->layers;
	read_paths(&file, &paths);
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		complain(errno, "/");
	else if (paths.count != volumes)
		say(VOLUMES, ": ", decimal((long long)paths.count), " paths for ",
			decimal((long long)volumes), " disks, none mounted");
	for (size_t i = 0; i < volumes && root >= 0 && paths.count == volumes; i++)
		mount_volume(root, disks->names.items[disks->layers + i], paths.items[i]);
	if (root >= 0)
		close(root);
	for (size_t i = 0; i < paths.count; i++)
		free(paths.items[i]);
	free(paths.items);
	text_free(&file);
}
