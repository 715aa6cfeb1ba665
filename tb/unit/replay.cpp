// SPDX-License-Identifier: Apache-2.0
#include "sw/seed/replay_listener.h"
