// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sw/golden/host_command.h"

namespace aqpim::tb {

// A host command and the answer that it was made for.
struct HostStep {
  golden::HostCommand command;
  golden::AnswerCode expected = golden::AnswerCode::kOk;
};

}  // namespace aqpim::tb
