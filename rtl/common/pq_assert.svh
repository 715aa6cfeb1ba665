// SPDX-License-Identifier: Apache-2.0
//
// Live assertions: on in every simulation, proof obligations in Yosys (-formal).
// AQ_ASSERT(name, property, clock, reset): `property` holds at each rising clock edge outside
// reset, where `reset` is active high. A violation prints the hierarchical name and fails the run.
// AQ_ASSERT_WHEN(name, condition, property, clock, reset): only in cycles in which `condition`
// holds; simulation evaluates the property in no others.
// With Verilator, -DPQ_ASSERTIONS switches them on. They are plain conditions there, for speed: the
// operands of concurrent assertions are sampled at every evaluation, a quarter of the run time, and
// the failing branch of an immediate assert lies in the middle of the hot code, another 4 %.

`ifndef PQ_ASSERT_SVH
`define PQ_ASSERT_SVH

`ifdef YOSYS
  `define AQ_ASSERT(name_, property_, clock_, reset_) \
    always @(posedge clock_) begin if (!(reset_)) begin name_: assert (property_); end end
  `define AQ_ASSERT_WHEN(name_, condition_, property_, clock_, reset_) \
    `AQ_ASSERT(name_, !(condition_) || (property_), clock_, reset_)
`elsif PQ_ASSERTIONS
  `define AQ_ASSERT(name_, property_, clock_, reset_) \
    always_ff @(posedge clock_) begin : name_ \
      if (!(reset_) && !(property_)) $error("assertion %m failed"); \
    end
  `define AQ_ASSERT_WHEN(name_, condition_, property_, clock_, reset_) \
    always_ff @(posedge clock_) begin : name_ \
      if (condition_) begin \
        if (!(reset_) && !(property_)) $error("assertion %m failed"); \
      end \
    end
`elsif VERILATOR
  // For lint: the property is read and its widths are checked; without clock and reset there is no
  // synchronous use of the reset.
  `define AQ_ASSERT(name_, property_, clock_, reset_) \
    wire unused_``name_ = property_;
  `define AQ_ASSERT_WHEN(name_, condition_, property_, clock_, reset_) \
    `AQ_ASSERT(name_, !(condition_) || (property_), clock_, reset_)
`else
  `define AQ_ASSERT(name_, property_, clock_, reset_)
  `define AQ_ASSERT_WHEN(name_, condition_, property_, clock_, reset_)
`endif

`endif
