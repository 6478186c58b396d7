// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what needs no socket: messages byte by byte, the routing
 * verdict, addresses and the token.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <net/ipv6.h>
#include "tsi.h"

static void tsi_test_v4(union tsi_addr *addr, u32 ip, u16 port)
{
	memset(addr, 0, sizeof(*addr));
	addr->in.sin_family = AF_INET;
	addr->in.sin_addr.s_addr = htonl(ip);
	addr->in.sin_port = htons(port);
}

static void tsi_test_create(struct kunit *test)
{
	static const u8 want[] = { 2, 0, 0, 0x90, 2, 0, 1, 0 };
	struct tsi_msg_create msg;

	tsi_encode_create(&msg, 0x90000002, AF_INET, SOCK_STREAM);
	KUNIT_EXPECT_EQ(test, sizeof(msg), sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, &msg, want, sizeof(want));
}

static void tsi_test_connect(struct kunit *test)
{
	static const u8 want[136] = {
		2, 0, 0, 0x90, 0x10, 0, 0, 0, 2, 0, 0, 0x50, 0x5d, 0xb8, 0xd8, 0x22,
	};
	struct tsi_msg_addr msg;
	union tsi_addr addr;

	tsi_test_v4(&addr, 0x5db8d822, 80);
	tsi_encode_addr(&msg, 0x90000002, &addr, tsi_addr_len(&addr));
	KUNIT_EXPECT_EQ(test, sizeof(msg), sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, &msg, want, sizeof(want));

	/* v4-mapped goes out as plain IPv4 */
	memset(&addr, 0, sizeof(addr));
	addr.in6.sin6_family = AF_INET6;
	addr.in6.sin6_port = htons(80);
	ipv6_addr_set_v4mapped(htonl(0x5db8d822), &addr.in6.sin6_addr);
	KUNIT_EXPECT_EQ(test, tsi_addr_family(&addr), AF_INET);
	tsi_encode_addr(&msg, 0x90000002, &addr, tsi_addr_len(&addr));
	KUNIT_EXPECT_MEMEQ(test, &msg, want, sizeof(want));
}

static void tsi_test_connect6(struct kunit *test)
{
	static const u8 want[136] = {
		2, 0, 0, 0x90, 0x1c, 0, 0, 0, 0x0a, 0, 1, 0xbb, [31] = 1,
	};
	struct tsi_msg_addr msg;
	union tsi_addr addr = {};

	addr.in6.sin6_family = AF_INET6;
	addr.in6.sin6_port = htons(443);
	addr.in6.sin6_addr = in6addr_loopback;
	tsi_encode_addr(&msg, 0x90000002, &addr, tsi_addr_len(&addr));
	KUNIT_EXPECT_MEMEQ(test, &msg, want, sizeof(want));
}

static void tsi_test_listen(struct kunit *test)
{
	static const u8 want[144] = {
		2, 0, 0, 0x90, 2, 0, 0, 0x90, 0x80, 0, 0, 0, 0x10, 0, 0, 0,
		2, 0, 0x1f, 0x90,
	};
	struct tsi_msg_listen msg;
	union tsi_addr addr;

	tsi_test_v4(&addr, 0, 8080);
	tsi_encode_listen(&msg, 0x90000002, 128, &addr, tsi_addr_len(&addr));
	KUNIT_EXPECT_EQ(test, sizeof(msg), sizeof(want));
	KUNIT_EXPECT_MEMEQ(test, &msg, want, sizeof(want));
}

static void tsi_test_result(struct kunit *test)
{
	static const struct {
		int wire, err;
	} cases[] = {
		{ 0, 0 }, { -111, -ECONNREFUSED }, { -61, -ECONNREFUSED },
		{ -101, -ENETUNREACH }, { -4095, -4095 }, { -4096, -EPROTO },
		{ 1, -EPROTO }, { INT_MIN, -EPROTO }, { INT_MAX, -EPROTO },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ(test, tsi_decode_result(cpu_to_le32(cases[i].wire)),
				cases[i].err);
}

static void tsi_test_name(struct kunit *test)
{
	/* BSD layout: length, family */
	struct tsi_reply_name reply = {
		.addr_len = cpu_to_le32(16),
		.addr = { 16, 2, 0x1f, 0x90, 127, 0, 0, 1 },
	};
	union tsi_addr addr = {};

	KUNIT_EXPECT_EQ(test, tsi_decode_name(&reply, sizeof(reply), AF_INET, &addr), 0);
	KUNIT_EXPECT_EQ(test, addr.in.sin_family, AF_INET);
	KUNIT_EXPECT_EQ(test, addr.in.sin_port, htons(8080));
	KUNIT_EXPECT_EQ(test, addr.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));

	KUNIT_EXPECT_EQ(test, tsi_decode_name(&reply, sizeof(reply), AF_INET6, &addr), 0);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_v4mapped(&addr.in6.sin6_addr));

	KUNIT_EXPECT_EQ(test, tsi_decode_name(&reply, 100, AF_INET, &addr), -EPROTO);
	reply.addr_len = cpu_to_le32(4);
	KUNIT_EXPECT_EQ(test, tsi_decode_name(&reply, sizeof(reply), AF_INET, &addr),
			-EPROTO);
	reply.result = cpu_to_le32(-107);
	KUNIT_EXPECT_EQ(test, tsi_decode_name(&reply, sizeof(reply), AF_INET, &addr),
			-ENOTCONN);
}

static void tsi_test_verdict(struct kunit *test)
{
	static const struct {
		struct tsi_path path;
		enum tsi_route route;
	} cases[] = {
		{ { .initial = true }, TSI_ROUTE_HOST },
		{ { .initial = false }, TSI_ROUTE_HOST },
		{ { .found = true, .local = true, .initial = true }, TSI_ROUTE_LOCAL },
		{ { .found = true, .local = true }, TSI_ROUTE_INET },
		{ { .found = true, .local = true, .dummy = true, .initial = true },
		  TSI_ROUTE_LOCAL },
		{ { .found = true, .dummy = true, .initial = true }, TSI_ROUTE_HOST },
		{ { .found = true, .initial = true }, TSI_ROUTE_INET },
		{ { .found = true, .gateway = true, .initial = true }, TSI_ROUTE_INET },
		{ { .found = true, .gateway = true }, TSI_ROUTE_HOST },
		{ { .found = true, .gateway = true, .uplink = true }, TSI_ROUTE_INET },
		{ { .found = true }, TSI_ROUTE_INET },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, tsi_verdict(&cases[i].path),
				    cases[i].route, "case %d", i);
}

static void tsi_test_addresses(struct kunit *test)
{
	union tsi_addr a, b;

	tsi_test_v4(&a, 0xe0000001, 53);
	KUNIT_EXPECT_TRUE(test, tsi_addr_group(&a));
	tsi_test_v4(&a, 0xffffffff, 53);
	KUNIT_EXPECT_TRUE(test, tsi_addr_group(&a));
	tsi_test_v4(&a, 0, 53);
	KUNIT_EXPECT_FALSE(test, tsi_addr_group(&a));
	KUNIT_EXPECT_TRUE(test, tsi_addr_any(&a));
	tsi_addr_loopback(&a);
	tsi_test_v4(&b, INADDR_LOOPBACK, 53);
	KUNIT_EXPECT_TRUE(test, tsi_addr_equal(&a, &b));
	tsi_test_v4(&b, INADDR_LOOPBACK, 54);
	KUNIT_EXPECT_FALSE(test, tsi_addr_equal(&a, &b));
}

static void tsi_test_ports(struct kunit *test)
{
	int i, before = atomic_read(&tsi_ports);
	u32 port, last = 0;

	/* Ports of hosts and of other users are all in the lower half. */
	atomic_set(&tsi_ports, -4);
	for (i = 0; i < 8; i++) {
		port = tsi_next_port();
		KUNIT_EXPECT_GE(test, port, 0x80000000U);
		KUNIT_EXPECT_NE(test, port, VMADDR_PORT_ANY);
		KUNIT_EXPECT_NE(test, port, last);
		last = port;
	}
	atomic_set(&tsi_ports, before);
}

#define TSI_TEST_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

#define TSI_TEST_MASK "****************************************************************"

static void __init tsi_test_token(struct kunit *test)
{
	static const struct {
		const char *args, *left;
		bool valid;
	} cases[] = {
		{ "quiet", "quiet", false },
		{ "", "", false },
		{ "supermachine.tsi_token=" TSI_TEST_HEX,
		  "supermachine.tsi_token=" TSI_TEST_MASK, true },
		{ "a supermachine.tsi_token=" TSI_TEST_HEX " b",
		  "a supermachine.tsi_token=" TSI_TEST_MASK " b", true },
		{ "supermachine.tsi_token=12 b", "supermachine.tsi_token=** b", false },
		{ "supermachine.tsi_token=" TSI_TEST_HEX "0",
		  "supermachine.tsi_token=" TSI_TEST_MASK "*", false },
		{ "supermachine.tsi_token= supermachine.tsi_token=" TSI_TEST_HEX,
		  "supermachine.tsi_token= supermachine.tsi_token=" TSI_TEST_MASK,
		  true },
		{ "xsupermachine.tsi_token=1", "xsupermachine.tsi_token=1", false },
	};
	u8 token[TSI_TOKEN_SIZE];
	char args[160];
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		bool valid = false, found;

		memset(args, 0x55, sizeof(args));
		strscpy(args, cases[i].args, sizeof(args));
		found = tsi_token_mask(args, sizeof(args), token, &valid);
		KUNIT_EXPECT_STREQ(test, args, cases[i].left);
		KUNIT_EXPECT_EQ(test, valid, cases[i].valid);
		KUNIT_EXPECT_EQ(test, found, !!strstr(cases[i].args, " supermachine.tsi") ||
				!strncmp(cases[i].args, "supermachine.tsi", 16));
		if (valid) {
			KUNIT_EXPECT_EQ(test, token[0], 0);
			KUNIT_EXPECT_EQ(test, token[TSI_TOKEN_SIZE - 1], 0x1f);
		}
	}
}

static struct kunit_case tsi_test_cases[] __refdata = {
	KUNIT_CASE(tsi_test_create),
	KUNIT_CASE(tsi_test_connect),
	KUNIT_CASE(tsi_test_connect6),
	KUNIT_CASE(tsi_test_listen),
	KUNIT_CASE(tsi_test_result),
	KUNIT_CASE(tsi_test_name),
	KUNIT_CASE(tsi_test_verdict),
	KUNIT_CASE(tsi_test_addresses),
	KUNIT_CASE(tsi_test_ports),
	KUNIT_CASE(tsi_test_token),
	{}
};

static struct kunit_suite tsi_test_suite __refdata = {
	.name = "tsi",
	.test_cases = tsi_test_cases,
};

/* The token code is gone after boot. */
kunit_test_init_section_suites(&tsi_test_suite);

MODULE_DESCRIPTION("KUnit tests of TSI");
MODULE_LICENSE("GPL");
