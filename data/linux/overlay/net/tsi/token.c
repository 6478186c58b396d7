// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control token: 32 bytes that the host puts on the command line and
 * expects in front of every control message.
 *
 * User space that knew it could speak to the host's proxies directly, so it is
 * masked in the device tree before anything copies the command line from
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
 * Masks the value of every token parameter in @args, a string in a buffer of
 * @size bytes; the last valid one counts. Returns whether there was any.
 */
bool __init tsi_token_mask(char *args, int size, u8 *ret_token, bool *ret_valid)
{
	const size_t prefix = strlen(TSI_TOKEN_PARAM);
	const char *end = args + strnlen(args, size);
	u8 token[TSI_TOKEN_SIZE];
	bool found = false;
	char *word, *next;

	for (word = args; word < end; word = next) {
		for (next = word; next < end && !isspace(*next); next++)
			;
		if (next - word >= prefix &&
		    !memcmp(word, TSI_TOKEN_PARAM, prefix)) {
			word += prefix;
			if (next - word == 2 * TSI_TOKEN_SIZE &&
			    !hex2bin(token, word, TSI_TOKEN_SIZE)) {
				memcpy(ret_token, token, TSI_TOKEN_SIZE);
				*ret_valid = true;
			}
			memset(word, '*', next - word);
			found = true;
		}
		while (next < end && isspace(*next))
			next++;
	}
	memzero_explicit(token, sizeof(token));
	return found;
}

void __init tsi_token_take(char *args, int size)
{
	tsi_token_mask(args, size, tsi_token_bytes, &tsi_token_set);
}
