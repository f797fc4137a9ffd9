#include "bench/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace strata::bench {

namespace {

std::vector<std::string> Arguments(const Setup& setup, const std::string& workload,
                                   const std::string& more) {
  std::vector<std::string> arguments = {"strata_bench_worker", workload, setup.arm, setup.library,
                                        setup.directory};
  for (const auto& [key, value] : setup.parameters) arguments.push_back(key + "=" + value);
  if (!more.empty()) arguments.push_back(more);
  return arguments;
}

}  // namespace

Child::Child(const Setup& setup, const std::string& workload, const std::string& more) {
  std::vector<std::string> arguments = Arguments(setup, workload, more);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw BenchError("pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::execv("/proc/self/exe", pointers.data());
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = ::fdopen(in[1], "w");
  from_ = ::fdopen(out[0], "r");
}

Child::~Child() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::fclose(from_);
  std::fclose(to_);
}

std::string Child::ReadLine() {
  char* line = nullptr;
  size_t size = 0;
  const ssize_t length = ::getline(&line, &size, from_);
  std::string text = length > 0 ? std::string(line, static_cast<size_t>(length - 1)) : "";
  std::free(line);
  if (length <= 0) throw BenchError("a child process ended early");
  return text;
}

void Child::WriteLine(const std::string& line) {
  std::fprintf(to_, "%s\n", line.c_str());
  std::fflush(to_);
}

void Child::Wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw BenchError("a child process failed");
}

}  // namespace strata::bench
