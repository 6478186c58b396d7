# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# In the guest: tests of Python that lean on the kernel.
cd /tmp || exit
for name in test_asyncio.test_events test_asyncio.test_streams test_asyncio.test_unix_events test_asyncio.test_subprocess \
	test_asyncio.test_sendfile test_epoll test_eintr test_fcntl test_ioctl test_mmap test_multiprocessing_fork test_os \
	test_poll test_posix test_pty test_resource test_select test_selectors test_shutil test_signal test_socket \
	test_socketserver test_ssl test_subprocess test_tempfile test_threading test_time; do
	try "python3 $name" 600 "python3 -m test -q $name"
done
