#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "io/environment.h"
#include "io/http_client.h"
#include "io/mutex.h"
#include "io/sleeper.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temporary_directory.h"

// Stand-ins for what a store on S3 meets.
namespace strata::io {

class FakeEnvironment : public Environment {
 public:
  void Set(const std::string& name, const std::string& value) { values_[name] = value; }
  std::string Get(const char* name) const override {
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second;
  }

 private:
  std::map<std::string, std::string> values_;
};

// An environment with a home directory.
class AwsWorld {
 public:
  AwsWorld() {
    std::filesystem::create_directory(home_ + "/.aws");
    environment.Set("HOME", home_);
  }

  // A file in ~/.aws; returns its path.
  std::string WriteFile(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = home_ + "/.aws/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  FakeEnvironment environment;

 private:
  const support::TemporaryDirectory directory_{"aws"};
  const std::string& home_ = directory_.path();
};

// Time passes at once.
class FakeSleeper : public Sleeper {
 public:
  explicit FakeSleeper(support::FakeClock* clock) : clock_(clock) {}
  void Sleep(int64_t micros) override {
    slept_us.push_back(micros);
    clock_->Advance(micros);
    if (on_sleep) on_sleep();
  }
  void Wake() override {}

  std::vector<int64_t> slept_us;
  std::function<void()> on_sleep;

 private:
  support::FakeClock* const clock_;
};

// Answers in the order in which they were given; notes what it was asked.
class FakeHttp : public HttpClient {
 public:
  using Answer = absl::StatusOr<HttpResponse>;

  void Answers(Answer answer) { answers_.push_back(std::move(answer)); }
  void Answers(int status, const std::string& body = "", std::vector<HttpHeader> headers = {}) {
    Answers(HttpResponse{status, std::move(headers), {body.begin(), body.end()}});
  }

  Answer Perform(const HttpRequest& request) override {
    asked.push_back(request);
    bodies.emplace_back(request.body.begin(), request.body.end());
    if (answers_.empty()) return absl::InternalError("an answer too few");
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    if (on_answer) on_answer();
    return answer;
  }

  std::string AskedHeader(size_t index, const std::string& name) const {
    for (const HttpHeader& header : asked.at(index).headers) {
      if (header.name == name) return header.value;
    }
    return "";
  }
  bool all_given() const { return answers_.empty(); }

  std::vector<HttpRequest> asked;
  std::vector<std::string> bodies;
  std::function<void()> on_answer;

 private:
  std::deque<Answer> answers_;
};

}  // namespace strata::io
