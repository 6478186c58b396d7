// SPDX-License-Identifier: Apache-2.0
/* The assets as the package pins them, and its version. */
#include "config.h"

#include "internal.h"
#include "payload.h"

const struct asset *asset_get(enum smkernel_asset asset)
{
	static const struct asset assets[] = {
		[SMKERNEL_KERNEL] =
			{
				.name = "kernel",
				.env = "SUPERMACHINE_KERNEL_PATH",
				.size = SMKERNEL_PAYLOAD_KERNEL_SIZE,
				.sha256 = SMKERNEL_PAYLOAD_KERNEL_SHA256,
			},
		[SMKERNEL_INIT_OCI] =
			{
				.name = "init-oci",
				.env = "SUPERMACHINE_INIT_OCI_PATH",
				.size = SMKERNEL_PAYLOAD_INIT_OCI_SIZE,
				.sha256 = SMKERNEL_PAYLOAD_INIT_OCI_SHA256,
			},
	};

	if ((unsigned int)asset >= sizeof(assets) / sizeof(*assets))
		return NULL;
	return &assets[asset];
}

const char *smkernel_version(void)
{
	return PACKAGE_VERSION;
}
