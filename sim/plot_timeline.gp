# SPDX-License-Identifier: Apache-2.0
# Draws what happened when; sw/report/timeline_plot.h calls it with these variables:
#   data      file with a block of bars per kind: centre, left, right, lane
#   picture   PNG to write
#   title     of the picture
#   lanes     their names from the top down, quoted, by blanks
#   names     of the kinds, by blanks
#   colours   of the kinds, by blanks
#   first, last   cycles at the ends of the picture

kinds = words(names)
rows = words(lanes)
lane_height = 46
header = 84
footer = 56
height = header + rows * lane_height + footer

set terminal pngcairo size 1600, height font 'Sans,10' background rgb '#ffffff'
set output picture

ink = '#30343b'
pale = '#e6e8ec'

set label 1 title at screen 0.012, 1.0 - 22.0 / height font 'Sans,14' textcolor rgb ink noenhanced
set lmargin at screen 0.120
set rmargin at screen 0.985
set tmargin at screen 1.0 - (header + 0.0) / height
set bmargin at screen (footer + 0.0) / height

set border 3 linecolor rgb ink
set tics nomirror out scale 0.5 textcolor rgb ink
set xrange [real(first):real(last)]
set format x '%.0f'
set yrange [rows - 0.5:-0.5]
set ytics ()
do for [lane = 1:rows] {
  set ytics add (word(lanes, lane) lane - 1)
  set arrow from graph 0, first lane - 0.5 to graph 1, first lane - 0.5 nohead linecolor rgb pale
}
set xlabel 'cycle of the memory clock' textcolor rgb ink
set key at screen 0.985, 1.0 - 58.0 / height right center horizontal textcolor rgb ink samplen 1 width 1 noenhanced
set style fill solid 1.0 noborder

plot for [kind = 1:kinds] data index kind - 1 using 1:4:2:3:($4 - 0.36):($4 + 0.36) with boxxyerror \
  linecolor rgb word(colours, kind) title word(names, kind)
