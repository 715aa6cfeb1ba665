// SPDX-License-Identifier: Apache-2.0
//
// What the headers of the RTL modules promise. Tests take the numbers from there, so that the
// promise itself is tested.
#pragma once

#include <string>

namespace aqpim::tb::unit {

// The paragraph "Latency ..." of the header of rtl/**/pq_<module>.sv, on one line, without the
// "Throughput ..." that may follow. Throws std::runtime_error if there is none.
std::string stated_latency(const std::string& module);

// The number after `what` in it, or the first number if `what` is empty.
unsigned stated_cycles(const std::string& module, const std::string& what = "");

}  // namespace aqpim::tb::unit
