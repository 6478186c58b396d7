# SPDX-License-Identifier: Apache-2.0
# The manifest as a C header: numbers for sizes and dates, a list that ends with NULL for the features, strings for
# the rest.

BEGIN {
	FS = "="
	print "/* Made from the payload manifest. */"
	print "#ifndef SMKERNEL_PAYLOAD_H\n#define SMKERNEL_PAYLOAD_H"
}
/^[a-z]/ {
	name = $1
	value = substr($0, length($1) + 2)
	sub(/^payload_/, "", name)
	if (name !~ /(size|date)$/) {
		gsub(/["\\]/, "\\\\&", value)
		value = "\"" value "\""
	}
	if (name == "features") {
		gsub(/; /, "\", \\\n\t\"", value)
		value = (value == "\"\"" ? "" : value ", ") "NULL"
	}
	print "#define SMKERNEL_PAYLOAD_" toupper(name) " " value
}
END {
	print "#endif"
}
