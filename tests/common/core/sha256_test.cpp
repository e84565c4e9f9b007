#include "common/core/sha256.h"

#include <gtest/gtest.h>

#include "common/core/fnv1a.h"

namespace photoscribe {
namespace {

// FIPS 180-4's own examples (NIST, "Examples with Intermediate Values").
TEST(Sha256, IsThatOfTheStandard) {
  EXPECT_EQ(to_hex(sha256_of("abc", 3)),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256_of("", 0)),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, TakesItsBytesInPieces) {
  Sha256 hash;
  hash.add("a", 1);
  hash.add("bc", 2);
  EXPECT_EQ(hash.digest(), sha256_of("abc", 3));
}

TEST(Fnv1a, HasThePublishedValues) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325U);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8U);
}

}  // namespace
}  // namespace photoscribe
