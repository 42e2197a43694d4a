// libcrypto's digests; on Apple platforms CryptoKit serves instead.
#pragma once
#include <openssl/evp.h>
