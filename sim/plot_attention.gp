# SPDX-License-Identifier: Apache-2.0
# Draws the picture of a run; sw/report/plot.h calls it with these variables:
#   data      file with two blocks per head: attention mass per bin; error per query
#   picture   PNG to write
#   title     of the picture
#   names     of the heads, by blanks
#   prefills  length of each head's prefill, by blanks

heads = words(names)
row_height = 300
header = 56
height = header + heads * row_height

set terminal pngcairo size 1360, height font 'Sans,10' background rgb '#ffffff'
set output picture
set multiplot

ink = '#30343b'
pale = '#d9dce1'
exact_colour = '#9aa3b2'
computed_colour = '#c2410c'
float_colour = '#1d4ed8'

set label 1 title at screen 0.012, 1.0 - 26.0 / height font 'Sans,14' textcolor rgb ink noenhanced

set border 3 linecolor rgb ink
set tics nomirror out scale 0.5 textcolor rgb ink
set grid y linecolor rgb pale linewidth 1
set key outside top right horizontal textcolor rgb ink samplen 1.5
set format y '%g'
set logscale y
set style fill solid 1.0 noborder
set lmargin 0
set rmargin 0

do for [head = 1:heads] {
  name = word(names, head)
  prefill = real(word(prefills, head))
  masses = 2 * (head - 1)
  errors = masses + 1
  top = 1.0 - (header + (head - 1.0) * row_height + 34) / height
  bottom = 1.0 - (header + head * row_height - 50.0) / height

  set tmargin at screen top
  set bmargin at screen bottom

  # Where the attention lies.
  set lmargin at screen 0.062
  set rmargin at screen 0.600
  stats data index masses using 1 nooutput
  width = STATS_max - STATS_min
  last = STATS_max + STATS_min
  set xrange [0:last]
  set yrange [*:*]
  set xlabel 'token' offset 0, 0.6 textcolor rgb ink
  set ylabel 'attention mass per bin' offset 1.2, 0 textcolor rgb ink
  set arrow 1 from first prefill, graph 0 to first prefill, graph 1 nohead dashtype 3 linecolor rgb ink
  set label 2 'prefill ' at first prefill, graph 1.04 right font 'Sans,9' textcolor rgb ink
  set label 3 name at screen 0.012, screen top + 18.0 / height font 'Sans,12' textcolor rgb ink noenhanced
  plot data index masses using 1:($2 > 0 ? $2 : NaN) with boxes linecolor rgb exact_colour title 'exact', \
       '' index masses using 1:($3 > 0 ? $3 : NaN) with points pointtype 7 pointsize 0.55 linecolor rgb computed_colour \
          title 'computed by the engine'
  unset arrow 1
  unset label 2
  unset label 3
  unset label 1

  # Error of every query.
  set lmargin at screen 0.680
  set rmargin at screen 0.985
  set xrange [*:*]
  set yrange [*:*]
  set offsets graph 0.03, graph 0.03, 0, 0
  set xlabel 'token of the query' offset 0, 0.6 textcolor rgb ink
  set ylabel 'relative error of the output' offset 1.2, 0 textcolor rgb ink
  plot data index errors using 1:($2 > 0 ? $2 : NaN) with points pointtype 7 pointsize 0.8 linecolor rgb computed_colour \
          title 'computed by the engine', \
       '' index errors using 1:($3 > 0 ? $3 : NaN) with points pointtype 6 pointsize 1.3 linewidth 1.3 linecolor rgb float_colour \
          title 'the same codes in floating point'
  unset offsets
}
unset multiplot
