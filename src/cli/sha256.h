/* SHA-256 (FIPS 180-4), for manifests. */
#ifndef ASH_CLI_SHA256_H
#define ASH_CLI_SHA256_H

#include <stddef.h>

void cli_sha256_digest(const void *bytes, size_t size, unsigned char digest[32]);
/* The digest of size bytes as 64 lower-case hexadecimal digits and a zero. */
void cli_sha256(const void *bytes, size_t size, char hex[65]);

#endif
