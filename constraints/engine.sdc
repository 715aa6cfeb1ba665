# SPDX-License-Identifier: Apache-2.0
#
# The one clock of engine and channel, and what a module may expect of its neighbours: they are flip-flops in the same
# clock, next to it.
#
# Set before this file is read (syn/flow.py): clock_period (ns), uncertainty and io_share (shares of the period),
# driving_cell, output_load (in the library's unit).

# A module of gates alone has no clock port: between its neighbours' flip-flops it has what the limits below leave.
set clock_port [get_ports -quiet clk_i]
create_clock -name clk -period $clock_period {*}$clock_port

# Skew, jitter and what a placed clock tree and real wires add: the netlist is neither placed nor routed.
set_clock_uncertainty -setup [expr $uncertainty * $clock_period] [get_clocks clk]

# Inputs come after io_share of the period, outputs must be there io_share of it before the edge. The reset is
# asynchronous: it is released like any other input, so recovery at the flip-flops is checked against the same time.
set inputs [delete_from_list [all_inputs] $clock_port]
set_input_delay [expr $io_share * $clock_period] -clock clk $inputs
set_output_delay [expr $io_share * $clock_period] -clock clk [all_outputs]

set_driving_cell -lib_cell $driving_cell $inputs
set_load -pin_load $output_load [all_outputs]
