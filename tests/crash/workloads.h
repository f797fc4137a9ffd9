#pragma once

#include <vector>

#include "tests/crash/host.h"

namespace strata::crash {

// Every workload of the campaign, in a fixed order.
std::vector<Workload> AllWorkloads();

}  // namespace strata::crash
