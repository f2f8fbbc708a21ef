/* Files of keys: what is taken from them, and the sentence for what is not. */
#include "auth/keyring.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/key_cell.h"
#include "base/err.h"
#include "heap.h"
#include "key_files.h"

#define SECRET "0123456789abcdef0123456789abcdef"

#define PEM(kind, body) "-----BEGIN " kind "-----\n" body "-----END " kind "-----\n"
#define P256_PEM                                                                                   \
	PEM("PUBLIC KEY", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"     \
	                  "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n")
#define SECP256K1_PEM                                                                              \
	PEM("PUBLIC KEY", "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEOlgCw+En6UDuegJGAW2CoQNgAyo5ew2D\n"     \
	                  "6UKKRd2PntMXm4ArJed2io7WFWJi7mvJZh5vt7r+QkUSy1kurQpmew==\n")
#define RSA_1024_PEM                                                                               \
	PEM("PUBLIC KEY", "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDeoJjezY+uhLwL5JC3a+xqw2Nz\n"     \
	                  "pzdJHKL/WbCJPrQROFjPTskXnmg3HeuRQJn6+YBWgb/bhz9QfBawK8QWLPyxjTc2\n"     \
	                  "gLi1kiMQHLfL5XjRPqvBE94GdioZnYUdUNNFUm+7NCk2CEEB23XifL+0FR7kVn0Z\n"     \
	                  "d3CGmeLt2YAWKwJqLwIDAQAB\n")

static void expect_fault(const char *name, const char *content, const char *words)
{
	char why[KEY_WHY_BYTES] = "";
	struct keyring *ring;
	const char *const path = key_file(name, content);

	cr_expect_eq(keyring_load(path, &ring, why), WSMD_ECONFIG, "%s", content);
	cr_expect_not_null(strstr(why, words), "%s", why);
	cr_expect_eq(strncmp(why, path, strlen(path)), 0, "%s", why);
	unlink(path);
}

static void expect_counts(const struct keyring *ring, uint32_t hs, uint32_t rs, uint32_t es)
{
	cr_expect_eq(keyring_count(ring, ALGORITHM_HS256), hs);
	cr_expect_eq(keyring_count(ring, ALGORITHM_RS256), rs);
	cr_expect_eq(keyring_count(ring, ALGORITHM_ES256), es);
}

/* The same secret whatever the editor has put behind it, and not with anything else there. */
Test(keyring, secrets)
{
	static const char *const same[] = {SECRET, SECRET "\n", SECRET "\r\n"};
	static const char *const others[] = {SECRET " ", SECRET "\n\n", " " SECRET, SECRET "x"};
	uint8_t expected[HS256_BYTES], got[HS256_BYTES];
	struct keyring *ring = ring_of(SECRET);

	expect_counts(ring, 1, 0, 0);
	cr_expect_str_eq(keyring_secret_id(ring), "ring");
	cr_assert_eq(keyring_sign(ring, "text", 4, expected), 0);
	keyring_release(ring);
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		ring = ring_of(same[i]);
		cr_assert_eq(keyring_sign(ring, "text", 4, got), 0);
		cr_expect_eq(memcmp(got, expected, sizeof(got)), 0, "%zu", i);
		cr_expect(keyring_verify(ring, ALGORITHM_HS256, NULL, "text", 4, expected,
		                         HS256_BYTES));
		cr_expect_not(keyring_verify(ring, ALGORITHM_HS256, NULL, "text", 4, expected,
		                             HS256_BYTES - 1));
		cr_expect_not(keyring_verify(ring, ALGORITHM_HS256, NULL, "test", 4, expected,
		                             HS256_BYTES));
		keyring_release(ring);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		ring = ring_of(others[i]);
		cr_assert_eq(keyring_sign(ring, "text", 4, got), 0);
		cr_expect_neq(memcmp(got, expected, sizeof(got)), 0, "%zu", i);
		keyring_release(ring);
	}
}

Test(keyring, key_sets)
{
	static const struct {
		const char *keys;
		uint32_t hs, rs, es;
	} cases[] = {
		{RFC_HS256_JWK, 1, 0, 0},
		{RFC_HS256_JWK "," RFC_RS256_JWK "," RFC_ES256_JWK, 1, 1, 1},
		/* what is for something else is passed over */
		{RFC_RS256_JWK ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", 0, 1, 0},
		{RFC_RS256_JWK ",{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"AA\"}", 0, 1, 0},
		{RFC_RS256_JWK ",{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"AA\"}", 0, 1, 0},
		{RFC_RS256_JWK ",{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\"}", 0, 1, 0},
		{RFC_RS256_JWK ",7,null,\"RSA\"", 0, 1, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[4096];
		struct keyring *ring;

		snprintf(text, sizeof(text), "  \n{\"keys\":[%s]}\n", cases[i].keys);
		ring = ring_of(text);
		expect_counts(ring, cases[i].hs, cases[i].rs, cases[i].es);
		keyring_release(ring);
	}
}

Test(keyring, names_of_keys)
{
	struct keyring *ring =
		ring_of(KEY_SET("{\"kid\":\"one\",\"kty\":\"oct\",\"k\":\"" SECRET SECRET "\"}"));

	cr_expect(keyring_has(ring, ALGORITHM_HS256, "one"));
	cr_expect(keyring_has(ring, ALGORITHM_HS256, NULL));
	cr_expect_not(keyring_has(ring, ALGORITHM_HS256, "two"));
	cr_expect_not(keyring_has(ring, ALGORITHM_HS256, "ring"));
	cr_expect_not(keyring_has(ring, ALGORITHM_RS256, "one"));
	keyring_release(ring);
	ring = ring_of(P256_PEM);
	expect_counts(ring, 0, 0, 1);
	cr_expect(keyring_has(ring, ALGORITHM_ES256, "ring"));
	cr_expect_null(keyring_secret_id(ring));
	keyring_release(ring);
}

Test(keyring, faults)
{
	expect_fault("a", "", "holds a secret of 0 bytes, and HS256 needs 32");
	expect_fault("a", "secret\n", "holds a secret of 6 bytes");
	expect_fault("a", PEM("PRIVATE KEY", "AAAA\n"), "private key");
	expect_fault("a", PEM("EC PRIVATE KEY", "AAAA\n"), "openssl pkey -in FILE -pubout");
	expect_fault("a", PEM("CERTIFICATE", "AAAA\n"), "openssl x509");
	expect_fault("a", PEM("PUBLIC KEY", "AAAA\n"), "is no public key in PEM");
	expect_fault("a", SECP256K1_PEM, "neither of RSA nor of the curve P-256");
	expect_fault("a", RSA_1024_PEM, "an RSA key of 1024 bits, and RS256 needs 2048");
	expect_fault("a", "{\"keys\":[", "line 1: ");
	expect_fault("a", "{\"keys\":[],\"keys\":[]}", "duplicate");
	expect_fault("a", "{}", "has no list \"keys\"");
	expect_fault("a", "{\"keys\":{}}", "has no list \"keys\"");
	expect_fault("a", "{\"keys\":[]}", "among its 0");
	expect_fault("a", "{\"keys\":[{\"kty\":\"OKP\"}]}", "among its 1");
	expect_fault("a", KEY_SET("{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}"), "secret of 5 bytes");
	expect_fault("a", KEY_SET("{\"kty\":\"oct\",\"k\":\"c2hvcnQ=\"}"),
	             "\"k\" of the key \"a\"");
	expect_fault("a", KEY_SET("{\"kty\":\"oct\"}"), "missing or not valid");
	expect_fault("a", KEY_SET("{\"kty\":\"RSA\",\"n\":\"AA\",\"e\":\"AQAB\"}"), "\"n\" of");
	expect_fault("a", KEY_SET("{\"kid\":\"k7\",\"kty\":\"RSA\",\"n\":\"AQAB\"}"),
	             "\"e\" of the key \"k7\"");
	expect_fault(
		"a",
		KEY_SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76"
	                "e8Tus9uPHvRVEU\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}"),
		"\"y\" of");
	expect_fault("a", KEY_SET("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}"), "\"x\" of");
}

Test(keyring, files)
{
	char why[KEY_WHY_BYTES] = "";
	const char *path = key_file("open", SECRET);
	struct keyring *ring;

	cr_assert_eq(chmod(path, 0644), 0);
	cr_expect_eq(keyring_load(path, &ring, why), WSMD_ECONFIG);
	cr_expect_not_null(strstr(why, "everybody may read it: chmod o-r"), "%s", why);
	path = key_file("open", P256_PEM); /* no secret: everybody may */
	cr_assert_eq(chmod(path, 0644), 0);
	cr_expect_eq(keyring_load(path, &ring, why), 0, "%s", why);
	keyring_release(ring);
	unlink(path);
	cr_expect_eq(keyring_load(path, &ring, why), WSMD_ECONFIG);
	cr_expect_not_null(strstr(why, "cannot be read: "), "%s", why);
	cr_expect_eq(keyring_load("/dev/null", &ring, why), WSMD_ECONFIG);
	cr_expect_not_null(strstr(why, "neither a file nor a folder"), "%s", why);
}

/* All of its files, in the order of their names; a fault in one is a fault of all. */
Test(keyring, folders)
{
	char why[KEY_WHY_BYTES] = "", folder[256];
	struct keyring *ring;

	snprintf(folder, sizeof(folder), "%s", key_file("b.secret", SECRET));
	key_file("a.secret", "x" SECRET);
	key_file(".hidden", "short");
	key_file("c.pem", P256_PEM);
	snprintf(folder, sizeof(folder), "%s", key_file("", NULL));
	cr_assert_eq(keyring_load(folder, &ring, why), 0, "%s", why);
	expect_counts(ring, 2, 0, 1);
	cr_expect_str_eq(keyring_secret_id(ring), "a");
	cr_expect(keyring_has(ring, ALGORITHM_HS256, "b"));
	cr_expect(keyring_has(ring, ALGORITHM_ES256, "c"));
	keyring_release(ring);
	key_file("d.secret", "short");
	cr_expect_eq(keyring_load(folder, &ring, why), WSMD_ECONFIG);
	cr_expect_not_null(strstr(why, "/d.secret holds a secret of 5 bytes"), "%s", why);
	for (const char *const *name =
	             (const char *const[]){"a.secret", "b.secret", "c.pem", "d.secret", NULL};
	     *name != NULL; name++)
		unlink(key_file(*name, ""));
	cr_expect_eq(keyring_load(folder, &ring, why), WSMD_ECONFIG);
	cr_expect_not_null(strstr(why, "holds no key"), "%s", why);
}

Test(keyring, too_many)
{
	static char text[64 * 1024];
	char why[KEY_WHY_BYTES] = "";
	struct keyring *ring;

	strcpy(text, "{\"keys\":[" RFC_HS256_JWK);
	for (unsigned i = 1; i < KEYS_MAX; i++)
		strcat(text, "," RFC_HS256_JWK);
	strcat(text, "]}");
	ring = ring_of(text);
	expect_counts(ring, KEYS_MAX, 0, 0);
	keyring_release(ring);
	strcpy(text + strlen(text) - 2, "," RFC_HS256_JWK "]}");
	cr_expect_eq(keyring_load(key_file("ring.keys", text), &ring, why), WSMD_ECONFIG);
	cr_expect_not_null(strstr(why, "one key too many; at most 64"), "%s", why);
}

Test(keyring, without_memory)
{
	static const char *const files[] = {
		SECRET, P256_PEM, KEY_SET(RFC_HS256_JWK "," RFC_RS256_JWK "," RFC_ES256_JWK)};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *const path = key_file("memory.keys", files[i]);
		char why[KEY_WHY_BYTES] = "";
		struct keyring *ring;
		unsigned n = 0;
		int err = WSMD_ENOMEM;

		while (err == WSMD_ENOMEM) {
			const size_t blocks = heap_blocks();

			heap_fail_at(++n);
			err = keyring_load(path, &ring, why);
			heap_fail_at(0);
			if (err == 0)
				keyring_release(ring);
			cr_assert_eq(heap_blocks(), blocks, "file %zu, allocation %u", i, n);
		}
		cr_expect_eq(err, 0, "file %zu, allocation %u: %s", i, n, why);
		cr_expect_gt(n, 2);
	}
}

/* A file that is written, replaced, opened to others, added, taken away. */
Test(keyring, changes_are_noticed)
{
	const char *const path = key_file("watched", SECRET);
	char folder[256];
	uint64_t before = keyring_stamp(path), now;

	cr_expect_eq(keyring_stamp(path), before);
	key_file("watched", SECRET "x");
	cr_expect_neq(now = keyring_stamp(path), before);
	before = now;
	cr_assert_eq(chmod(path, 0640), 0);
	cr_expect_neq(now = keyring_stamp(path), before);
	snprintf(folder, sizeof(folder), "%s", key_file("", NULL));
	before = keyring_stamp(folder);
	key_file("watched", SECRET "yz");
	cr_expect_neq(now = keyring_stamp(folder), before);
	before = now;
	key_file("watched2", SECRET);
	cr_expect_neq(now = keyring_stamp(folder), before);
	before = now;
	unlink(key_file("watched2", SECRET));
	cr_expect_neq(now = keyring_stamp(folder), before);
	unlink(key_file("watched", SECRET));
	before = keyring_stamp("/nowhere/at/all");
	cr_expect_eq(keyring_stamp("/nowhere/at/all"), before);
}

Test(keyring, a_cell_hands_out_what_is_held)
{
	static struct key_cell cell;
	struct keyring *held = NULL, *first = ring_of(SECRET);
	uint64_t seen = 0;

	key_cell_refresh(&cell, &seen, &held);
	cr_expect_null(held);
	key_cell_publish(&cell, first);
	key_cell_refresh(&cell, &seen, &held);
	cr_expect_eq(held, first);
	key_cell_publish(&cell, NULL);
	expect_counts(held, 1, 0, 0); /* still held */
	key_cell_refresh(&cell, &seen, &held);
	cr_expect_null(held);
}
