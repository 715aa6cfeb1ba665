#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Guess    Without parasitics, placement and set_wire_load_model, a timer's nets have no wires: only pins load a gate.
# Reality  OpenSTA puts the library's default_wire_load on every net, unasked; no message, nothing in the report names it.
# Matters  NanGate45, sky130 and IHP sg13g2 have a default_wire_load, ASAP7 and GF180MCU have none. "Timing before placement" of one library then
#          has wires, and that of another one has not: in NanGate45 a 650 MHz path of the project loses 57 ps, 4 % of the period.
# Seen     OpenSTA 2.0.17 (Debian 12's and 13's opensta 0~20191111gitc018cb2+dfsg-1, fetched by apt-get)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
# apt-get gives up its rights for downloads, the folder keeps ours.
apt-get -q -o APT::Sandbox::User=root download opensta libtcl8.6 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
dpkg-deb -f opensta_*.deb Version | grep 20191111gitc018cb2
table='(load) { index_1 ("0, 1000"); values ("10, 1010"); }'
cat >with.lib <<LIB
library (cells) {
  delay_model : table_lookup; time_unit : "1ps"; capacitive_load_unit (1, ff); voltage_unit : "1V"; current_unit : "1mA";
  pulling_resistance_unit : "1kohm";
  input_threshold_pct_rise : 50; output_threshold_pct_rise : 50; slew_lower_threshold_pct_rise : 20; slew_upper_threshold_pct_rise : 80;
  input_threshold_pct_fall : 50; output_threshold_pct_fall : 50; slew_lower_threshold_pct_fall : 20; slew_upper_threshold_pct_fall : 80;
  lu_table_template (load) { variable_1 : total_output_net_capacitance; index_1 ("0, 1000"); }
  wire_load (small) { capacitance : 2; resistance : 0; slope : 1; fanout_length (1, 10); }
  default_wire_load : small;
  cell (INV) { area : 1;
    pin (A) { direction : input; capacitance : 5; }
    pin (Y) { direction : output; function : "!A";
      timing () { related_pin : "A"; timing_sense : negative_unate;
        cell_rise $table cell_fall $table rise_transition $table fall_transition $table }
    }
  }
}
LIB
grep -v default_wire_load with.lib >without.lib
cat >top.v <<'V'
module top (a, y); input a; output y; wire n;
  INV first (.A(a), .Y(n));
  INV second (.A(n), .Y(y));
endmodule
V
for library in with without; do
  cat >run.tcl <<TCL
read_liberty $library.lib
read_verilog top.v
link_design top
set_max_delay 1000 -from a -to y
report_checks -path_delay max -digits 1
TCL
  LD_LIBRARY_PATH=$(echo root/usr/lib/*-linux-gnu) TCL_LIBRARY=$(echo "$PWD"/root/usr/share/tcltk/tcl8.6) \
    root/usr/bin/sta -exit -no_splash run.tcl >"$library.txt"
  echo "$library default_wire_load: $(grep first/Y "$library.txt")"
done
# The first inverter drives 5 fF of the second one's pin, and 2 fF/unit * 10 units of a wire that nobody asked for.
grep -qE '^ +15\.0 .* first/Y' without.txt
grep -qE '^ +35\.0 .* first/Y' with.txt
