/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_request.c - what httpd sends, as the warden reads it
 *
 * Whatever is understood must be what was meant: packed again it is the same.
 */
/* LINK: wire.o */
#include "fuzz.h"

#include "trampoline/wire.h"

static size_t pack(const struct wire_unpacked *unpacked, char *again,
                   size_t size)
{
    return unpacked->request.kind == WIRE_LOG
        ? wire_pack_log(&unpacked->log, again, size)
        : wire_pack(&unpacked->request, again, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire_unpacked unpacked;
    char *message = fuzz_copy(data, size, 0);
    char *again = fuzz_copy(data, 0, size);

    if (wire_unpack(message, size, &unpacked) == NULL) {
        FUZZ_REQUIRE(pack(&unpacked, again, size) == size);
        FUZZ_REQUIRE(memcmp(again, data, size) == 0);
    }
    free(again);
    free(message);
    return 0;
}
