// SPDX-License-Identifier: Apache-2.0
#include "tb/common/replay_listener.h"
