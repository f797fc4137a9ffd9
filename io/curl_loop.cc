#include "io/curl_loop.h"

#include <signal.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <system_error>
#include <thread>

#include "absl/strings/str_cat.h"
#include "io/curl_multi.h"
#include "io/status_macros.h"

namespace strata::io {
namespace {

// Threads of a library must not run the program's signal handlers, nor die of SIGPIPE.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// What a caller of Run waits for; on its stack.
struct Waiting {
  Mutex mutex;
  CondVar done;
  bool is_done ABSL_GUARDED_BY(mutex) = false;
  CURLcode result ABSL_GUARDED_BY(mutex) = CURLE_OK;

  void Finish(CURLcode code) {
    MutexLock lock(&mutex);
    result = code;
    is_done = true;
    done.Signal();
  }

  CURLcode Wait() {
    MutexLock lock(&mutex);
    while (!is_done) done.Wait(&mutex);
    return result;
  }
};

}  // namespace

class CurlLoop::Thread {
 public:
  explicit Thread(const CurlLibrary& curl)
      : multi_(curl, &context_), work_(asio::make_work_guard(context_)) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Thread() {
    work_.reset();
    asio::post(context_, [this] { multi_.Close(); });
    thread_.join();
  }

  CURLcode Run(CURL* easy) {
    Waiting waiting;
    asio::post(context_, [this, easy, &waiting] {
      multi_.Add(easy, [&waiting](CURLcode code) { waiting.Finish(code); });
    });
    return waiting.Wait();
  }

 private:
  asio::io_context context_{1};
  CurlMulti multi_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

CurlLoop::CurlLoop(const CurlLibrary& curl) : curl_(curl) {}

CurlLoop::~CurlLoop() {
  MutexLock lock(&mutex_);
  if (thread_ != nullptr && owner_pid_ != getpid()) thread_.release();
}

absl::StatusOr<CurlLoop::Thread*> CurlLoop::Started() {
  MutexLock lock(&mutex_);
  if (thread_ == nullptr) {
    try {
      thread_ = std::make_unique<Thread>(curl_);
    } catch (const std::system_error& error) {
      return absl::UnavailableError(absl::StrCat("thread for the store: ", error.what()));
    }
    owner_pid_ = getpid();
  }
  if (owner_pid_ != getpid()) {
    return absl::FailedPreconditionError("the store was opened before fork(): open it again");
  }
  return thread_.get();
}

absl::StatusOr<CURLcode> CurlLoop::Run(CURL* easy) {
  STRATA_ASSIGN_OR_RETURN(Thread* const thread, Started());
  return thread->Run(easy);
}

}  // namespace strata::io
