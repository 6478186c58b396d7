// SPDX-License-Identifier: Apache-2.0
/* Decoding of .xz by liblzma, with bounds on memory and on what comes out. */
#include "config.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "internal.h"

#define BUFFER_SIZE (256u * 1024)
#define MEMORY_LIMIT (UINT64_C(256) << 20)
#define CONTENTS_LIMIT (UINT64_C(256) << 20)
#define MAX_THREADS 8

static int to_errno(lzma_ret ret)
{
	switch (ret) {
	case LZMA_OK:
	case LZMA_STREAM_END:
		return 0;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return -ENOMEM;
	case LZMA_OPTIONS_ERROR:
		return -ENOTSUP;
	default: /* no .xz, corrupt, truncated, or followed by other bytes */
		return -EBADMSG;
	}
}

static lzma_ret decoder_init(lzma_stream *stream)
{
	/*
	 * LZMA_CONCATENATED: reads to the end of the file, so that no trailing bytes go
	 * unseen.
	 */
#if LZMA_VERSION >= 50040002 /* 5.4.0 */
	uint32_t threads = lzma_cputhreads();
	lzma_mt options = {
		.flags = LZMA_CONCATENATED,
		.threads = threads < 1		   ? 1
			   : threads > MAX_THREADS ? MAX_THREADS
						   : threads,
		.memlimit_threading = MEMORY_LIMIT,
		.memlimit_stop = MEMORY_LIMIT,
	};

	return lzma_stream_decoder_mt(stream, &options);
#else
	return lzma_stream_decoder(stream, MEMORY_LIMIT, LZMA_CONCATENATED);
#endif
}

static int decode(lzma_stream *stream, int in, int out, uint8_t *in_buffer,
	uint8_t *out_buffer, uint64_t pinned_size)
{
	uint64_t limit = pinned_size ? pinned_size : CONTENTS_LIMIT;
	lzma_action action = LZMA_RUN;
	lzma_ret status;
	int ret;

	do {
		if (stream->avail_in == 0 && action == LZMA_RUN) {
			ssize_t count = read_some(in, in_buffer, BUFFER_SIZE);

			if (count < 0)
				return (int)count;
			if (count == 0)
				action = LZMA_FINISH;
			stream->next_in = in_buffer;
			stream->avail_in = (size_t)count;
		}
		stream->next_out = out_buffer;
		stream->avail_out = BUFFER_SIZE;
		status = lzma_code(stream, action);
		ret = to_errno(status);
		if (ret < 0)
			return ret;
		if (stream->total_out > limit)
			return -EFBIG;
		ret = write_all(out, out_buffer, BUFFER_SIZE - stream->avail_out);
		if (ret < 0)
			return ret;
	} while (status != LZMA_STREAM_END);
	return pinned_size && stream->total_out != pinned_size ? -EBADMSG : 0;
}

int xz_decode(int in, int out, uint64_t pinned_size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	uint8_t *buffers;
	int ret;

	buffers = malloc(2 * BUFFER_SIZE);
	if (!buffers)
		return -ENOMEM;
	ret = to_errno(decoder_init(&stream));
	if (ret == 0)
		ret = decode(
			&stream, in, out, buffers, buffers + BUFFER_SIZE, pinned_size);
	lzma_end(&stream);
	free(buffers);
	return ret;
}
