// SPDX-License-Identifier: Apache-2.0
//
// Live assertions: on in every simulation, proof obligations in Yosys (-formal).
// AQ_ASSERT(name, property, clock, reset): `property` holds at each rising clock edge outside
// reset, where `reset` is active high. A violation prints the hierarchical name and fails the run.
// They are immediate: Verilator samples the operands of concurrent assertions at every evaluation,
// a quarter of the run time.

`ifndef PQ_ASSERT_SVH
`define PQ_ASSERT_SVH

`ifdef YOSYS
  `define AQ_ASSERT(name_, property_, clock_, reset_) \
    always @(posedge clock_) begin if (!(reset_)) begin name_: assert (property_); end end
`elsif VERILATOR
  `define AQ_ASSERT(name_, property_, clock_, reset_) \
    always_ff @(posedge clock_) begin \
      if (!(reset_)) begin name_: assert (property_) else $error("assertion %m failed"); end \
    end
`else
  `define AQ_ASSERT(name_, property_, clock_, reset_)
`endif

`endif
