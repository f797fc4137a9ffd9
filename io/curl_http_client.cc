#include "io/curl_http_client.h"

#include "absl/memory/memory.h"
#include "io/curl_transfer.h"
#include "io/status_macros.h"

namespace strata::io {

absl::StatusOr<std::unique_ptr<CurlHttpClient>> CurlHttpClient::New(const std::string& ca_bundle,
                                                                    const HttpLimits& limits) {
  STRATA_ASSIGN_OR_RETURN(const CurlLibrary* curl, CurlLibrary::Load());
  return absl::WrapUnique(new CurlHttpClient(*curl, ca_bundle, limits));
}

CurlHttpClient::CurlHttpClient(const CurlLibrary& curl, const std::string& ca_bundle,
                               const HttpLimits& limits)
    : curl_(curl), ca_bundle_(ca_bundle), limits_(limits), loop_(curl) {}

absl::StatusOr<HttpResponse> CurlHttpClient::Perform(const HttpRequest& request) {
  CurlTransfer transfer(curl_, request, ca_bundle_, limits_);
  STRATA_RETURN_IF_ERROR(transfer.Prepare());
  STRATA_ASSIGN_OR_RETURN(const CURLcode result, loop_.Run(transfer.easy()));
  return transfer.Finish(result);
}

}  // namespace strata::io
