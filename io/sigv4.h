#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "io/crypto_library.h"
#include "io/http_client.h"

// Amazon's Signature Version 4, in a header of the request:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
namespace strata::io {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // empty: none
  int64_t expires_us = 0;     // wall clock, microseconds since 1970; 0: never
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// What is signed: names and values as they are, not encoded.
struct RequestToSign {
  std::string method;
  std::string path;  // "/bucket/key" or "/key"
  QueryParameters query;
  std::vector<HttpHeader> headers;  // all that the server must see unchanged, "Host" among them
  std::string payload_hash;         // SHA-256 of the body in lower-case hexadecimal digits
};

struct SigningScope {
  std::string region;
  std::string service;  // "s3"
  int64_t time_us = 0;  // wall clock, microseconds since 1970
};

// "20130524T000000Z", the value of x-amz-date.
std::string AmazonDate(int64_t time_us);

// "a=1&b=", encoded and in the order in which it is signed: also how it is sent.
std::string CanonicalQuery(const QueryParameters& query);

// The value of the header "Authorization". All headers are signed.
std::string AuthorizationHeader(const CryptoLibrary& crypto, const RequestToSign& request,
                                const AwsCredentials& credentials, const SigningScope& scope);

}  // namespace strata::io
