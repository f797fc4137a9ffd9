#include "io/curl_library.h"

// The macros check types of literal calls; calls go through pointers here.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#include "io/shared_library.h"
#include "io/status_macros.h"

namespace strata::io {

absl::StatusOr<const CurlLibrary*> CurlLibrary::Load() {
  static const auto* const loaded =
      new absl::StatusOr<CurlLibrary>([]() -> absl::StatusOr<CurlLibrary> {
        CurlLibrary library;
        STRATA_RETURN_IF_ERROR(library.FindAll());
        if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
          return absl::InternalError("libcurl: curl_global_init failed");
        }
        return library;
      }());
  if (!loaded->ok()) return loaded->status();
  return &**loaded;
}

absl::Status CurlLibrary::FindAll() {
  STRATA_ASSIGN_OR_RETURN(const SharedLibrary library,
                          SharedLibrary::Load("libcurl.so.4", "libcurl4"));
  STRATA_RETURN_IF_ERROR(library.Find("curl_global_init", &global_init));
  STRATA_RETURN_IF_ERROR(library.Find("curl_easy_init", &easy_init));
  STRATA_RETURN_IF_ERROR(library.Find("curl_easy_cleanup", &easy_cleanup));
  STRATA_RETURN_IF_ERROR(library.Find("curl_easy_setopt", &easy_setopt));
  STRATA_RETURN_IF_ERROR(library.Find("curl_easy_getinfo", &easy_getinfo));
  STRATA_RETURN_IF_ERROR(library.Find("curl_easy_strerror", &easy_strerror));
  STRATA_RETURN_IF_ERROR(library.Find("curl_slist_append", &slist_append));
  STRATA_RETURN_IF_ERROR(library.Find("curl_slist_free_all", &slist_free_all));
  STRATA_RETURN_IF_ERROR(library.Find("curl_multi_init", &multi_init));
  STRATA_RETURN_IF_ERROR(library.Find("curl_multi_cleanup", &multi_cleanup));
  STRATA_RETURN_IF_ERROR(library.Find("curl_multi_setopt", &multi_setopt));
  STRATA_RETURN_IF_ERROR(library.Find("curl_multi_add_handle", &multi_add_handle));
  STRATA_RETURN_IF_ERROR(library.Find("curl_multi_remove_handle", &multi_remove_handle));
  STRATA_RETURN_IF_ERROR(library.Find("curl_multi_socket_action", &multi_socket_action));
  return library.Find("curl_multi_info_read", &multi_info_read);
}

}  // namespace strata::io
