# SPDX-License-Identifier: Apache-2.0
# Draws curves over powers of two, in panels. sw/performance calls it with these variables:
#   data      file of blocks, panel by panel: a quoted name and lines of x and y
#   picture   PNG to write
#   x_name    what x is, and y_name what y is
#   level     a dashed line is drawn there
#   titles    of the panels, a line each
#   curves    in each panel, by blanks

panels = words(curves)
row_height = 400
height = panels * row_height
width = 860

set terminal pngcairo size width, height font 'Sans,10' background rgb '#ffffff'
set output picture
set multiplot

ink = '#30343b'
pale = '#d9dce1'
array colour[8] = ['#c2410c', '#1d4ed8', '#15803d', '#a21caf', '#0e7490', '#a16207', '#7b8494', '#30343b']

set border 3 linecolor rgb ink
set tics nomirror out scale 0.5 textcolor rgb ink
set grid linecolor rgb pale linewidth 1
set key outside right top vertical Left reverse textcolor rgb ink samplen 1.5 spacing 1.2
set xtics (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
set xlabel x_name offset 0, 0.4 textcolor rgb ink
set ylabel y_name offset 0.6, 0 textcolor rgb ink
set yrange [0:*]
set lmargin at screen 75.0 / width
set rmargin at screen 1.0 - 175.0 / width

first_block = 0
left = titles
do for [panel = 1:panels] {
  line_end = strstrt(left, "\n")
  name = left[1:line_end - 1]
  left = left[line_end + 1:*]
  count = int(word(curves, panel))
  set tmargin at screen 1.0 - ((panel - 1.0) * row_height + 40) / height
  set bmargin at screen 1.0 - (panel * row_height - 52.0) / height
  set label 1 name at graph 0, graph 1.06 font 'Sans,12' textcolor rgb ink noenhanced
  set arrow 1 from graph 0, first level + 0 to graph 1, first level + 0 nohead linecolor rgb ink dashtype 2
  unset logscale
  set xrange [*:*]
  stats data index first_block every ::1 using 1 nooutput
  set logscale x 2
  set xrange [STATS_min / 1.1:STATS_max * 1.1]
  plot for [i = 0:count - 1] data index first_block + i using 1:2 with linespoints pointtype 7 pointsize 0.9 \
         linewidth 1.5 linecolor rgb colour[i % 8 + 1] title columnheader(1) noenhanced
  unset label 1
  first_block = first_block + count
}
unset multiplot
