# SPDX-License-Identifier: Apache-2.0
# Draws the error of attention against the token of the query, a panel per head. sw/study/accuracy_plot.h calls it with
# these variables:
#   data      file of blocks; of each panel, the curves of integer caches, and then those of the configurations. A block
#             is a quoted name and lines of token and error
#   picture   PNG to write
#   titles    of the panels, a line each
#   plain     curves of integer caches in each panel, by blanks
#   coded     curves of configurations in each panel, by blanks

panels = words(plain)
row_height = 330
height = 20 + panels * row_height
width = 980

set terminal pngcairo size width, height font 'Sans,10' background rgb '#ffffff'
set output picture
set multiplot

ink = '#30343b'
pale = '#d9dce1'
array plain_colour[3] = ['#30343b', '#7b8494', '#aab1bd']
array colour[6] = ['#c2410c', '#1d4ed8', '#15803d', '#a21caf', '#0e7490', '#a16207']

set border 3 linecolor rgb ink
set tics nomirror out scale 0.5 textcolor rgb ink
set grid y linecolor rgb pale linewidth 1
set key outside right top vertical Left reverse textcolor rgb ink samplen 1.5 spacing 1.2
set logscale y
set format y '%g'
set xlabel 'token of the query' offset 0, 0.4 textcolor rgb ink
set ylabel 'relative error of the output' offset 0.6, 0 textcolor rgb ink
set ytics (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
set lmargin at screen 85.0 / width
set rmargin at screen 1.0 - 150.0 / width

first_block = 0
left = titles
do for [panel = 1:panels] {
  line_end = strstrt(left, "\n")
  name = left[1:line_end - 1]
  left = left[line_end + 1:*]
  integers = int(word(plain, panel))
  configurations = int(word(coded, panel))
  set tmargin at screen 1.0 - (20 + (panel - 1.0) * row_height + 30) / height
  set bmargin at screen 1.0 - (20 + panel * row_height - 52.0) / height
  set label 1 name at graph 0, graph 1.07 font 'Sans,12' textcolor rgb ink noenhanced
  unset logscale
  # The ranges of the panel before would hide points.
  set xrange [*:*]
  set yrange [*:*]
  stats data index first_block:first_block + integers + configurations - 1 every ::1 using 1:2 nooutput
  set logscale y
  margin = 1.0 + 0.02 * (STATS_max_x - STATS_min_x)
  set xrange [STATS_min_x - margin:STATS_max_x + margin]
  set yrange [STATS_min_y / 1.3:STATS_max_y * 1.3]
  plot for [i = 0:integers - 1] data index first_block + i using 1:2 with linespoints pointtype 5 pointsize 0.7 \
         linecolor rgb plain_colour[i % 3 + 1] dashtype 2 title columnheader(1) noenhanced, \
       for [i = integers:integers + configurations - 1] data index first_block + i using 1:2 with linespoints \
         pointtype 7 pointsize 0.9 linewidth 1.5 linecolor rgb colour[(i - integers) % 6 + 1] title columnheader(1) \
         noenhanced
  unset label 1
  first_block = first_block + integers + configurations
}
unset multiplot
