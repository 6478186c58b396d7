#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# corpus.sh DIRECTORY: writes the inputs that fuzzing starts from. The first letter chooses the parser, see fuzz.c.
set -eu
cd "$1"

# input NAME TEXT: with the escapes of printf's %b.
input() {
	printf '%b' "$2" >"$1"
}

input json-1 'j{"env":{"A":"b","Q":"a\\"b\\\\c\\n\\u00e9\\ud83d\\uDE00\\/"},"secrets":{"S":"1"}}'
input json-2 'j {\n "env" : { "A" : "1", "A" : "2", "n" : -0.5e+3 , "o":{"x":[true,null,{}]} },\n "x":[[],[1,{"env":{}}]]\n}\n'
input json-3 'j{"env":{"U":"\0303\0251\0342\0202\0254\0360\0237\0230\0200","":"x","A=B":"y","N\\u0000":"z"},"secrets":null}'
input user-1 'uweb:extra\0000root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/srv:/bin/sh\n\0000extra:x:2000:\nwheel:x:10:root,web\n'
input user-2 'u1000\0000web:x:1000:1001::/srv:/bin/sh\nbroken:x\n\0000wheel:x:10:root,web\nbig:x:4294967295:web'
input user-3 'u4294967296:4294967294\0000\0000'
input lines-1 'lsh\n-c\necho hi\n'
input lines-2 'la\n  lead\n\ntab\t\ncr\rx\n\n'
input nul-1 'nsh\0000-c\0000one\ntwo\0000\0000'
input parameters-1 'pquiet supermachine.host_time=1800000000 a="b c" supermachine.kcache=1 supermachine.tsi_token=0123456789abcdef\n'
input hosts-1 'h127.0.0.1 localhost # x\n::1\tlocalhost\n10.0.0.1 db box\nnameserver 127.0.0.11\nnameserver 10.1.2.3\n'
input directory-1 'd/a/b/../l/x//./y/'
input directory-2 'd/l/../../a/z'
