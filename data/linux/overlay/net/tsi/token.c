// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control token: 32 bytes that the host puts on the command line and
 * expects in front of every control message.
 *
 * User space that knew it could speak to the host's proxies directly, so it is
 * cut out of the device tree before anything copies the command line from
 * there, and lives in kernel memory only. Written once at boot.
 */
#include <linux/cache.h>
#include <linux/ctype.h>
#include <linux/hex.h>
#include <linux/init.h>
#include <linux/string.h>
#include <net/tsi.h>
#include "tsi.h"

#define TSI_TOKEN_PARAM	"supermachine.tsi_token="

static u8 tsi_token_bytes[TSI_TOKEN_SIZE] __ro_after_init;
static bool tsi_token_set __ro_after_init;

const u8 *tsi_token(void)
{
	return tsi_token_set ? tsi_token_bytes : NULL;
}

/*
 * Takes every token parameter out of @args, a string in a buffer of @size
 * bytes. The last valid one counts. Parameters after "--" are cut as well:
 * they would reach init's arguments. Returns whether @args has changed.
 */
bool __init tsi_token_cut(char *args, int size, u8 *ret_token, bool *ret_valid)
{
	const size_t prefix = strlen(TSI_TOKEN_PARAM);
	int len = strnlen(args, size);
	u8 token[TSI_TOKEN_SIZE];
	bool cut = false;
	int at = 0;

	while (at < len) {
		int end = at;

		while (end < len && !isspace(args[end]))
			end++;
		if (end - at < prefix ||
		    memcmp(args + at, TSI_TOKEN_PARAM, prefix)) {
			at = end + 1;
			continue;
		}
		if (end - at == prefix + 2 * TSI_TOKEN_SIZE &&
		    !hex2bin(token, args + at + prefix, TSI_TOKEN_SIZE)) {
			memcpy(ret_token, token, TSI_TOKEN_SIZE);
			*ret_valid = true;
		}
		if (end < len)
			end++;
		memmove(args + at, args + end, len - end);
		memset(args + at + len - end, 0, end - at);
		len -= end - at;
		cut = true;
	}
	memzero_explicit(token, sizeof(token));
	return cut;
}

bool __init tsi_token_take(char *args, int size)
{
	return tsi_token_cut(args, size, tsi_token_bytes, &tsi_token_set);
}
