// SPDX-License-Identifier: Apache-2.0
//
// For lockstep.py: toggles the clock until the module `lockstep` has had enough.
#include <verilated.h>

#include "Vlockstep.h"

int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  Vlockstep lockstep(&context);
  lockstep.clk_i = 0;
  while (!context.gotFinish()) {
    lockstep.clk_i = !lockstep.clk_i;
    lockstep.eval();
  }
  lockstep.final();
}
