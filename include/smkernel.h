/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMKERNEL_H
#define SMKERNEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SMKERNEL_API __attribute__((visibility("default")))
#else
#define SMKERNEL_API
#endif

/**
 * SMKERNEL_SHA256_SIZE - Bytes of a SHA-256 digest in hexadecimal, with the ending NUL.
 *
 * Source: FIPS 180-4.
 * Since: 0.1
 */
#define SMKERNEL_SHA256_SIZE 65

/**
 * SMKERNEL_RELEASE_SIZE - Bytes of a kernel release (uname -r), with the ending NUL.
 *
 * Source: uname(2), __NEW_UTS_LEN.
 * Since: 0.1
 */
#define SMKERNEL_RELEASE_SIZE 65

/**
 * SMKERNEL_PARENTS - Flag of smkernel_extract(): make the missing parent directories.
 *
 * Source: libsmkernel(3), EXTRACTION.
 * Since: 0.1
 */
#define SMKERNEL_PARENTS 1u

/**
 * enum smkernel_asset - The two files a microVM needs.
 * @SMKERNEL_KERNEL: the aarch64 Linux Image
 * @SMKERNEL_INIT_OCI: the static program that runs as PID 1
 *
 * Source: libsmkernel(3).
 * Since: 0.1
 */
enum smkernel_asset {
	SMKERNEL_KERNEL = 0,
	SMKERNEL_INIT_OCI = 1,
};

/**
 * enum smkernel_origin - Which rule chose a file.
 * @SMKERNEL_ORIGIN_ENV_FILE: SUPERMACHINE_KERNEL_PATH or SUPERMACHINE_INIT_OCI_PATH
 * @SMKERNEL_ORIGIN_ENV_DIR: SUPERMACHINE_ASSETS_DIR
 * @SMKERNEL_ORIGIN_BUNDLE: Contents/Resources of the macOS application that holds the
 *	library
 * @SMKERNEL_ORIGIN_RELOCATED: beside the loaded library, in a tree that was moved
 * @SMKERNEL_ORIGIN_INSTALLED: the directory fixed when the package was built
 *
 * Source: libsmkernel(3), RESOLUTION.
 * Since: 0.1
 */
enum smkernel_origin {
	SMKERNEL_ORIGIN_ENV_FILE = 0,
	SMKERNEL_ORIGIN_ENV_DIR = 1,
	SMKERNEL_ORIGIN_BUNDLE = 2,
	SMKERNEL_ORIGIN_RELOCATED = 3,
	SMKERNEL_ORIGIN_INSTALLED = 4,
};

/**
 * enum smkernel_format - What the first bytes of a file say it is.
 * @SMKERNEL_FORMAT_UNKNOWN: none of the following
 * @SMKERNEL_FORMAT_ARM64_IMAGE: uncompressed arm64 Linux Image
 * @SMKERNEL_FORMAT_EFI_ZBOOT: compressed EFI image of Linux (CONFIG_EFI_ZBOOT)
 * @SMKERNEL_FORMAT_X86_BZIMAGE: x86 Linux bzImage
 * @SMKERNEL_FORMAT_ELF: ELF file
 * @SMKERNEL_FORMAT_GZIP: gzip stream
 * @SMKERNEL_FORMAT_XZ: xz stream
 * @SMKERNEL_FORMAT_ZSTD: Zstandard frame
 *
 * Source: Documentation/arch/arm64/booting.rst and Documentation/arch/x86/boot.rst of
 *	Linux, drivers/firmware/efi/libstub/zboot-header.S, elf(5), RFC 1952, RFC 8878,
 *	the .xz format.
 * Since: 0.1
 */
enum smkernel_format {
	SMKERNEL_FORMAT_UNKNOWN = 0,
	SMKERNEL_FORMAT_ARM64_IMAGE = 1,
	SMKERNEL_FORMAT_EFI_ZBOOT = 2,
	SMKERNEL_FORMAT_X86_BZIMAGE = 3,
	SMKERNEL_FORMAT_ELF = 4,
	SMKERNEL_FORMAT_GZIP = 5,
	SMKERNEL_FORMAT_XZ = 6,
	SMKERNEL_FORMAT_ZSTD = 7,
};

/**
 * struct smkernel_image - What smkernel_probe() read from a file.
 * @format: what the file is; decides which of the following are set, the others are 0
 * @file_size: bytes of the file, every format
 * @text_offset: Image: bytes from a 2 MiB boundary of RAM to the first byte of the kernel
 * @image_size: Image: bytes of RAM that the kernel occupies, 0 before Linux 3.17
 * @page_size: Image: bytes of a page, 0 when the header does not say
 * @big_endian: Image: 1 for a big-endian kernel
 * @any_base: Image: 1 when every 2 MiB boundary of RAM will do, 0 when it must be near
 *	the start
 * @arch: "aarch64" or "x86_64", else ""; Image, zboot, bzImage and ELF
 * @release: version that the kernel's banner states, else ""; Image and bzImage
 *
 * Source: Documentation/arch/arm64/booting.rst and Documentation/arch/x86/boot.rst of
 *	Linux.
 * Since: 0.1
 */
struct smkernel_image {
	enum smkernel_format format;
	uint64_t file_size;
	uint64_t text_offset;
	uint64_t image_size;
	uint32_t page_size;
	int big_endian;
	int any_base;
	char arch[16];
	char release[SMKERNEL_RELEASE_SIZE];
};

/**
 * struct smkernel_info - What is known of the file that an asset resolves to.
 * @origin: the rule that chose the file
 * @pinned: 1 when it is the packaged file, 0 when an override is in use; then the facts
 *	come from the file itself and those that only the package knows are ""
 * @size: bytes, decompressed
 * @page_size: bytes of a guest page, 0 when unknown; kernel
 * @sha256: digest of the decompressed bytes, in lower-case hexadecimal
 * @arch: "aarch64" or "x86_64", else ""
 * @kernel_release: what uname -r says in the guest, else ""; kernel
 * @snapshot_id: changes when snapshots of an older package no longer fit, else ""
 * @cmdline: default kernel command line, static storage, else ""; kernel
 *
 * Source: data/manifest of the package, see supermachine-kernel(1); overrides: the file.
 * Since: 0.1
 */
struct smkernel_info {
	enum smkernel_origin origin;
	int pinned;
	uint64_t size;
	uint32_t page_size;
	char sha256[SMKERNEL_SHA256_SIZE];
	char arch[16];
	char kernel_release[SMKERNEL_RELEASE_SIZE];
	char snapshot_id[SMKERNEL_SHA256_SIZE];
	const char *cmdline;
};

/**
 * smkernel_version() - Returns the version of the loaded library, such as "0.1.0".
 *
 * Errors: none.
 * Thread: safe.
 * Source: the package version.
 * Since: 0.1
 */
SMKERNEL_API const char *smkernel_version(void);

/**
 * smkernel_path() - Finds the file that an asset resolves to.
 * @asset: [in] which file
 * @ret_path: [out] absolute path, NUL-terminated, malloc'd: free() it; it names a .xz
 *	file when the override or the package is compressed
 * @ret_origin: [out] the rule that chose it, or NULL
 *
 * Returns 0 or a negative errno. The file was readable a moment ago; to use its contents
 * take smkernel_open() or smkernel_map(), which leave no gap.
 *
 * Errors: -EINVAL: @asset or @ret_path is invalid, an override is a relative path, or the
 *	file is neither regular nor a directory. -EISDIR: the file is a directory.
 *	-ENOENT: there is no such file. -EACCES: it may not be read. -ENAMETOOLONG: a path
 *	is longer than PATH_MAX. -ENOMEM. Any error of open(2). smkernel_explain() names
 *	the file.
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), RESOLUTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_path(
	enum smkernel_asset asset, char **ret_path, enum smkernel_origin *ret_origin);

/**
 * smkernel_explain() - Tells every place that the resolution of an asset looks at, and
 *	why it was taken.
 * @asset: [in] which file
 * @ret_text: [out] one line per place in order, each ending in a newline, malloc'd:
 *	free() it; the last line is the file taken or the reason why there is none
 *
 * Returns 0 or a negative errno; an asset that does not resolve is no error here.
 *
 * Errors: -EINVAL: an argument is invalid. -ENOMEM.
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), RESOLUTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_explain(enum smkernel_asset asset, char **ret_text);

/**
 * smkernel_open() - Opens an asset for reading.
 * @asset: [in] which file
 *
 * Returns a close-on-exec file descriptor at offset 0 or a negative errno. A compressed
 * asset is decoded into memory first: the descriptor always gives the uncompressed bytes.
 *
 * Errors: those of smkernel_path(). -EBADMSG: the .xz file is corrupt, truncated,
 *	followed by other bytes, or shorter than the package says. -EFBIG: it holds more
 *	than the package says, or more than 256 MiB. -ENOTSUP: it needs a filter that
 *	liblzma lacks. -ENOMEM: decoding needs more than 256 MiB.
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), RESOLUTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_open(enum smkernel_asset asset);

/**
 * smkernel_map() - Maps an asset into memory, read-only.
 * @asset: [in] which file
 * @ret_addr: [out] first byte of the uncompressed contents, page-aligned:
 *	smkernel_unmap() it
 * @ret_size: [out] their number of bytes
 *
 * Returns 0 or a negative errno. All processes that map the installed file share one
 * copy.
 *
 * Errors: those of smkernel_open() and mmap(2). -EINVAL: also a NULL argument. -ENODATA:
 *	the file is empty.
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3).
 * Since: 0.1
 */
SMKERNEL_API int smkernel_map(
	enum smkernel_asset asset, const void **ret_addr, size_t *ret_size);

/**
 * smkernel_unmap() - Undoes smkernel_map().
 * @addr: [in] what smkernel_map() returned
 * @size: [in] bytes, what smkernel_map() returned
 *
 * Returns 0 or a negative errno.
 *
 * Errors: those of munmap(2).
 * Thread: safe.
 * Source: libsmkernel(3).
 * Since: 0.1
 */
SMKERNEL_API int smkernel_unmap(const void *addr, size_t size);

/**
 * smkernel_extract() - Copies an asset to a file, uncompressed, all of it or nothing.
 * @asset: [in] which file
 * @path: [in] destination, NUL-terminated; replaced when it exists, followed when it is a
 *	symbolic link, written to in place when it is a device, FIFO or socket
 * @flags: [in] 0 or SMKERNEL_PARENTS
 *
 * Returns 0 or a negative errno. The bytes are on disk when it returns 0. After an error
 * the destination is as it was before, and no temporary file is left; parent directories
 * that were made stay. A new kernel has mode 0666 & ~umask, an existing one keeps its
 * mode; init-oci has mode 0755.
 *
 * Errors: those of smkernel_open(). -EINVAL: also an unknown flag or a NULL path.
 *	-ENOENT: also an empty path or a missing parent directory. -ENOTDIR: a parent is
 *	not a directory. -EISDIR: the destination is a directory. -ELOOP: too many
 *	symbolic links. -ENOSPC, -EDQUOT, -EIO and any other error of open(2), write(2),
 *	fsync(2), link(2) and rename(2).
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), EXTRACTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_extract(
	enum smkernel_asset asset, const char *path, unsigned int flags);

/**
 * smkernel_extract_kernel_to() - Does smkernel_extract(SMKERNEL_KERNEL, path, 0).
 * @path: [in] destination, NUL-terminated
 *
 * Returns 0 or a negative errno.
 *
 * Errors: those of smkernel_extract().
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), EXTRACTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_extract_kernel_to(const char *path);

/**
 * smkernel_extract_kernel_to_with_parents() - Does smkernel_extract(SMKERNEL_KERNEL,
 *	path, SMKERNEL_PARENTS).
 * @path: [in] destination, NUL-terminated
 *
 * Returns 0 or a negative errno.
 *
 * Errors: those of smkernel_extract().
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), EXTRACTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_extract_kernel_to_with_parents(const char *path);

/**
 * smkernel_extract_init_oci_to() - Does smkernel_extract(SMKERNEL_INIT_OCI, path, 0).
 * @path: [in] destination, NUL-terminated
 *
 * Returns 0 or a negative errno.
 *
 * Errors: those of smkernel_extract().
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), EXTRACTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_extract_init_oci_to(const char *path);

/**
 * smkernel_extract_init_oci_to_with_parents() - Does smkernel_extract(SMKERNEL_INIT_OCI,
 *	path, SMKERNEL_PARENTS).
 * @path: [in] destination, NUL-terminated
 *
 * Returns 0 or a negative errno.
 *
 * Errors: those of smkernel_extract().
 * Thread: safe, unless another thread changes the environment.
 * Source: libsmkernel(3), EXTRACTION.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_extract_init_oci_to_with_parents(const char *path);

/**
 * smkernel_sha256() - Computes the SHA-256 of the uncompressed bytes of an asset.
 * @asset: [in] which file
 * @ret_hex: [out] lower-case hexadecimal, NUL-terminated, SMKERNEL_SHA256_SIZE bytes
 *
 * Returns 0 or a negative errno.
 *
 * Errors: those of smkernel_open() and read(2). -EINVAL: also a NULL argument.
 * Thread: safe, unless another thread changes the environment.
 * Source: FIPS 180-4.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_sha256(
	enum smkernel_asset asset, char ret_hex[SMKERNEL_SHA256_SIZE]);

/**
 * smkernel_verify() - Compares the SHA-256 of an asset with the digest that the package
 *	pins.
 * @asset: [in] which file
 *
 * Returns 0 when they are equal or a negative errno.
 *
 * Errors: those of smkernel_sha256(). -EBADMSG: also a digest that differs.
 * Thread: safe, unless another thread changes the environment.
 * Source: data/manifest of the package.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_verify(enum smkernel_asset asset);

/**
 * smkernel_info() - Tells what is known of the file that an asset resolves to.
 * @asset: [in] which file
 * @ret_info: [out] one struct, filled
 *
 * Returns 0 or a negative errno. For the packaged file it repeats what the package pins,
 * which costs no read; smkernel_verify() proves it. An override is read and hashed.
 *
 * Errors: those of smkernel_sha256().
 * Thread: safe, unless another thread changes the environment.
 * Source: data/manifest of the package; overrides: the file.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_info(enum smkernel_asset asset, struct smkernel_info *ret_info);

/**
 * smkernel_probe() - Says what kind of kernel or program a file holds.
 * @fd: [in] a regular file open for reading; its offset is neither used nor moved
 * @ret_image: [out] one struct, filled
 *
 * Returns 0 or a negative errno; a file of unknown format is no error.
 *
 * Errors: -EINVAL: @ret_image is NULL. -EBADF, -ESPIPE and any other error of pread(2).
 * Thread: safe.
 * Source: Documentation/arch/arm64/booting.rst and Documentation/arch/x86/boot.rst of
 *	Linux.
 * Since: 0.1
 */
SMKERNEL_API int smkernel_probe(int fd, struct smkernel_image *ret_image);

#ifdef __cplusplus
}
#endif

#endif
