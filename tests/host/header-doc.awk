# SPDX-License-Identifier: Apache-2.0
# Prints what the comments of a public header lack: every function, type and constant has one, with a
# sentence, each parameter or member, and the sections.

function lacks(what) {
	print FILENAME ": " name ": no " what
	found++
}
function need_members(text, direction,    parts, count, i, member) {
	count = split(text, parts, /[,;]/)
	for (i = 1; i <= count; i++) {
		member = parts[i]
		sub(/\/\*.*\*\//, "", member)
		sub(/[ \t]*=.*/, "", member)
		sub(/\[.*/, "", member)
		gsub(/[ \t]+$/, "", member)
		sub(/.*[ \t*]/, "", member)
		if (member != "" && member != "void" && !match(comment, "@" member ": *" direction))
			lacks("@" member ": " direction)
	}
}
function declare(is_function, members) {
	names++
	joined = comment
	gsub(/\n \*[ \t]*/, " ", joined)
	if (!match(joined, "(^|[ *])" name (is_function ? "[(][)]" : "") " - [A-Z][^\n]*[.]"))
		lacks("sentence")
	if (is_function) {
		need_members(members, "\\[(in|out)\\]")
		if (comment !~ /Errors: /) lacks("Errors:")
		if (comment !~ /Thread: /) lacks("Thread:")
	} else if (members != "") {
		need_members(members, "")
	}
	if (comment !~ /Source: /) lacks("Source:")
	if (comment !~ /Since: /) lacks("Since:")
	comment = ""
}

/^\/\*\*$/ { comment = ""; in_comment = 1; next }
in_comment {
	if (/\*\/$/) in_comment = 0
	comment = comment $0 "\n"
	next
}
/^#define SMKERNEL_[A-Z0-9_]+ / && !/^#define SMKERNEL_API/ {
	name = $2
	declare(0, "")
	next
}
/^(enum|struct) [a-z0-9_]+ \{$/ { name = $1 " " $2; body = ""; in_body = 1; next }
in_body {
	if (/^};/) { in_body = 0; declare(0, body) }
	else body = body $0
	next
}
/^SMKERNEL_API / { prototype = ""; in_prototype = 1 }
in_prototype {
	prototype = prototype $0
	if (/;$/) {
		in_prototype = 0
		members = prototype
		sub(/^[^(]*\(/, "", members)
		sub(/\);$/, "", members)
		name = prototype
		sub(/\(.*/, "", name)
		sub(/.*[ *]/, "", name)
		declare(1, members)
	}
}
END {
	if (names < 20) { print FILENAME ": only " names + 0 " names seen"; found++ }
	exit found > 0
}
