# SPDX-License-Identifier: Apache-2.0
"""The area and timing model of memory macros: one formula for all technologies.

Area, NanGate45, single port (1rw), um2:   0.42 * bits + 4.1 * Depth + 6.9 * Width
  A least-squares fit, in relative error, to the public fakeram45 macros (made with CACTI) up to 64 bits wide, the four
  of the project's baselines counted twice. Error: 64x32 +8 %, 256x16 -9 %, 256x32 -7 %, 1024x32 +11 %; six others
  (64x15, 32x32, 32x64, 128x32, 512x64, 2048x39) between -25 and +17 %. Wider words are several macros of up to 64
  bits side by side, each with its own decoder (the term in Depth).
Two ports (1r1w):                          1.8 times the single port
Access, NanGate45, clock to data, ns:      0.190 + 8.2e-5 * bits^0.7, bits counted 1.8 times with two ports
  Exact to a picosecond for 64x32, 256x32 and 1024x32. Setup and hold 0.05 ns, as in fakeram45; input 5 fF, clock 25 fF.
Single-port macros have one address: a multiplexer per address bit is added to area and set-up.
Other technologies: area times the ratio of NAND2 areas, times by the ratio of FO4 delays, capacitances by the ratio of
  inverter inputs, all out of the Liberty file.
Small memories: a macro is used when it is smaller than the same bits in latches with read multiplexers,
  4.5 um2 a bit in NanGate45; that figure is reported beside it.
"""

# NanGate45, as liberty.py reads it: the technology of the figures above.
NAND2_AREA, FO4, INVERTER_LOAD = 0.798, 0.0221051, 1.70023
SETUP, INPUT_LOAD, CLOCK_LOAD = 0.05, 5.0, 25.0
LATCH_AREA = 4.5
MAX_WIDTH = 64
MULTIPLEXER_FO4 = 2.5
INPUTS = ('clk_i', 'write_i', 'write_address_i', 'write_data_i', 'read_i', 'read_address_i')
MAX_LOAD, FAST_SLEW, SLOW_SLEW = 500.0, 0.009, 0.227


class Macro:
    """A pq_memory of Depth words of Width bits as a macro."""

    def __init__(self, depth, width, single_port):
        self.depth, self.width, self.single_port = depth, width, single_port
        self.bits = depth * width
        self.address = (depth - 1).bit_length()
        self.name = f'pq_memory_{depth}x{width}_' + ('1rw' if single_port else '1r1w')

    def macro_area(self, library):
        pieces = -(-self.width // MAX_WIDTH)
        area = 0.42 * self.bits + 4.1 * self.depth * pieces + 6.9 * self.width
        area *= (1.0 if self.single_port else 1.8) * library.nand2.area / NAND2_AREA
        return area + (self.address * library.multiplexer if self.single_port else 0.0)

    def latch_area(self, library):
        return LATCH_AREA * self.bits * library.nand2.area / NAND2_AREA

    def area(self, library):
        return min(self.macro_area(library), self.latch_area(library))

    def access(self, library):
        bits = self.bits * (1.0 if self.single_port else 1.8)
        return (0.190 + 8.2e-5 * bits ** 0.7) * library.fo4 / FO4


def load(pin, library):
    """Capacitance of a memory's input."""
    return (CLOCK_LOAD if pin == 'clk_i' else INPUT_LOAD) * library.inverter.load / INVERTER_LOAD


def resistance(library):
    """Of a memory's outputs: they are buffers of the library."""
    return library.driving.resistance


def liberty(macros, library):
    """A Liberty text with one cell per macro."""
    speed, caps = library.fo4 / FO4, library.inverter.load / INVERTER_LOAD
    low, high = INPUT_LOAD * caps, MAX_LOAD * caps
    lines = ['library (aqpim_memories) {', '  delay_model : table_lookup;', '  time_unit : "1ns";',
             '  voltage_unit : "1V";', '  current_unit : "1mA";', '  capacitive_load_unit (1, ff);',
             '  lu_table_template (load) {', '    variable_1 : total_output_net_capacitance;',
             f'    index_1 ("{low:.3f}, {high:.3f}");', '  }']
    for edge in ('rise', 'fall'):
        lines += [f'  input_threshold_pct_{edge} : 50;', f'  output_threshold_pct_{edge} : 50;',
                  f'  slew_lower_threshold_pct_{edge} : 20;', f'  slew_upper_threshold_pct_{edge} : 80;']
    for width in sorted({width for macro in macros for width in (macro.width, macro.address)}):
        lines.append(f'  type (bus{width}) {{ base_type : array; data_type : bit; bit_width : {width}; '
                     f'bit_from : {width - 1}; bit_to : 0; downto : true; }}')
    for macro in macros:
        lines += [f'  cell ({macro.name}) {{', f'    area : {macro.area(library):.3f};',
                  '    interface_timing : true;',
                  f'    pin (clk_i) {{ direction : input; clock : true; capacitance : {load("clk_i", library):.3f}; }}']
        for pin, width in (('write_i', 0), ('write_address_i', macro.address), ('write_data_i', macro.width),
                           ('read_i', 0), ('read_address_i', macro.address)):
            lines.append(f'    bus ({pin}) {{ bus_type : bus{width};' if width else f'    pin ({pin}) {{')
            lines.append(f'      direction : input; capacitance : {load(pin, library):.3f};')
            setup = SETUP * speed
            if macro.single_port and 'address' in pin:
                setup += MULTIPLEXER_FO4 * library.fo4
            for kind, value in (('setup', setup), ('hold', SETUP * speed)):
                lines.append(f'      timing () {{ related_pin : "clk_i"; timing_type : {kind}_rising;')
                lines += [f'        {edge}_constraint (scalar) {{ values ("{value:.4f}"); }}'
                          for edge in ('rise', 'fall')]
                lines.append('      }')
            lines.append('    }')
        lines += [f'    bus (read_data_o) {{ bus_type : bus{macro.width}; direction : output; '
                  f'max_capacitance : {high:.3f};',
                  '      timing () { related_pin : "clk_i"; timing_type : rising_edge;']
        access = macro.access(library)
        slow = access + resistance(library) * (high - low)
        for edge in ('rise', 'fall'):
            lines += [f'        cell_{edge} (load) {{ values ("{access:.4f}, {slow:.4f}"); }}',
                      f'        {edge}_transition (load) '
                      f'{{ values ("{FAST_SLEW * speed:.4f}, {SLOW_SLEW * speed:.4f}"); }}']
        lines += ['      }', '    }', '  }']
    return '\n'.join(lines + ['}', ''])
