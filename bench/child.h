#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

#include "bench/workload.h"

namespace strata::bench {

// Another worker process with the same library, directory and parameters, spoken to by lines.
class Child {
 public:
  Child(const Setup& setup, const std::string& workload, const std::string& more_parameters);
  ~Child();  // kills one that did not end
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  std::string ReadLine();  // throws at the end of the output
  void WriteLine(const std::string& line);
  void Wait();  // throws unless it ends with success

 private:
  pid_t pid_ = 0;
  std::FILE* from_ = nullptr;
  std::FILE* to_ = nullptr;
};

}  // namespace strata::bench
