#include "tests/support/fault_plan.h"

namespace strata::support {

std::optional<InjectedFault> FaultPlan::Next(CallSet call) {
  ++calls_;
  std::optional<InjectedFault> hit;
  for (Pending& pending : pending_) {
    if ((pending.fault.calls & call) == 0) continue;
    const uint64_t index = pending.seen++;
    const bool fires =
        index == pending.fault.nth || (pending.fault.for_ever && index > pending.fault.nth);
    if (fires && !hit.has_value()) hit = pending.fault;
  }
  fired_ += hit.has_value();
  return hit;
}

}  // namespace strata::support
