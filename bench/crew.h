#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace strata::bench {

// Threads that start together and stop together; the first error of any of them is thrown by
// Join().
class Crew {
 public:
  // `work` gets the crew's clock: it calls WaitForStart() when it is ready and goes on until
  // stopped().
  void Add(std::function<void(Crew*)> work) {
    ++expected_;
    threads_.emplace_back([this, work = std::move(work)] {
      try {
        work(this);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
        stop_ = true;
        ready_.fetch_add(1);
      }
    });
  }

  void WaitForStart() {
    ready_.fetch_add(1);
    started_.wait(false);
  }

  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  void Stop() { stop_ = true; }

  // Lets all go as soon as all are ready.
  void Start() {
    while (ready_.load() < expected_) std::this_thread::yield();
    started_ = true;
    started_.notify_all();
  }

  void Join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::vector<std::thread> threads_;
  std::atomic<int> ready_{0};
  int expected_ = 0;
  std::atomic<bool> started_{false};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace strata::bench
