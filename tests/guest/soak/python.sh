# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# In the guest: tests of Python that lean on the kernel; what only differs in the start of its processes, once.
# Some want an answer within 10 ms: -w has what failed tried once more. The one left out wants it of a whole loop.
cd /tmp || exit
while read -r name options; do
	try "python3 $name" 600 "python3 -m test -q -w $options $name"
done <<'TESTS'
test_asyncio.test_events -i test_prompt_cancellation
test_asyncio.test_sendfile
test_asyncio.test_streams
test_asyncio.test_subprocess
test_asyncio.test_unix_events
test_eintr
test_epoll
test_fcntl
test_ioctl
test_mmap
test_multiprocessing_fork -m "*WithProcesses*"
test_os
test_poll
test_posix
test_pty
test_resource
test_select
test_selectors
test_shutil
test_signal
test_socket
test_socketserver -u network
test_ssl
test_subprocess
test_tempfile
test_threading
test_time
TESTS
