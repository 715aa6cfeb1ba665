# SPDX-License-Identifier: Apache-2.0
# Draws the error of attention against bits per element, a panel per head dimension. sw/study/accuracy_plot.h calls it
# with these variables:
#   data      file of blocks; of each panel, the curves of integer caches, and then for each configuration its standard
#             variant and all of its variants. A block is a quoted name and lines of bits, error and name
#   picture   PNG to write
#   titles    of the panels, a line each
#   plain     curves of integer caches in each panel, by blanks
#   coded     configurations in each panel, by blanks

panels = words(plain)
row_height = 430
height = 40 + panels * row_height
width = 980

set terminal pngcairo size width, height font 'Sans,10' background rgb '#ffffff'
set output picture
set multiplot

ink = '#30343b'
pale = '#d9dce1'
array plain_colour[2] = ['#7b8494', '#30343b']
array colour[6] = ['#c2410c', '#1d4ed8', '#15803d', '#a21caf', '#0e7490', '#a16207']
array washed[6] = ['#f6c9b2', '#bccdf8', '#b5dfc3', '#e8bfec', '#b4dde5', '#ebd7a8']

set border 3 linecolor rgb ink
set tics nomirror out scale 0.5 textcolor rgb ink
set grid linecolor rgb pale linewidth 1
set key outside right top vertical Left reverse textcolor rgb ink samplen 1.5 spacing 1.2
set logscale xy
set format '%g'
set xtics (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 12, 16)
set xlabel 'bits per element (codes, codebooks, centres; scales and zeros of integers), K and V averaged' \
  offset 0, 0.4 textcolor rgb ink
set ylabel 'relative error of the output, mean over heads' offset 0.6, 0 textcolor rgb ink
set ytics (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
set lmargin at screen 85.0 / width
set rmargin at screen 1.0 - 235.0 / width

first_block = 0
left = titles
do for [panel = 1:panels] {
  line_end = strstrt(left, "\n")
  name = left[1:line_end - 1]
  left = left[line_end + 1:*]
  integers = int(word(plain, panel))
  configurations = int(word(coded, panel))
  coded_block = first_block + integers
  set tmargin at screen 1.0 - (40 + (panel - 1.0) * row_height + 20) / height
  set bmargin at screen 1.0 - (40 + panel * row_height - 52.0) / height
  set label 1 name at graph 0, graph 1.05 font 'Sans,12' textcolor rgb ink noenhanced
  unset logscale
  # The ranges of the panel before would hide points.
  set xrange [*:*]
  set yrange [*:*]
  stats data index first_block:coded_block + 2 * configurations - 1 every ::1 using 1:2 nooutput
  set logscale xy
  set xrange [STATS_min_x / 1.15:STATS_max_x * 1.25]
  set yrange [STATS_min_y / 1.3:STATS_max_y * 1.5]
  if (configurations > 0) {
    plot for [i = 0:configurations - 1] data index coded_block + 2 * i + 1 using 1:2 with points pointtype 7 \
           pointsize 0.5 linecolor rgb washed[i % 6 + 1] title columnheader(1) noenhanced, \
         for [i = 0:integers - 1] data index first_block + i using 1:2 with linespoints pointtype 5 pointsize 1.0 \
           linecolor rgb plain_colour[i % 2 + 1] dashtype 2 title columnheader(1) noenhanced, \
         for [i = 0:integers - 1:2] data index first_block + i using 1:2:3 every ::1 with labels offset -0.6, -0.6 right \
           font 'Sans,8' textcolor rgb plain_colour[1] notitle noenhanced, \
         for [i = 1:integers - 1:2] data index first_block + i using 1:2:3 every ::1 with labels offset 0.6, 0.6 left \
           font 'Sans,8' textcolor rgb plain_colour[2] notitle noenhanced, \
         for [i = 0:configurations - 1] data index coded_block + 2 * i using 1:2 with points pointtype 7 pointsize 1.8 \
           linecolor rgb colour[i % 6 + 1] title columnheader(1) noenhanced
  } else {
    plot for [i = 0:integers - 1] data index first_block + i using 1:2 with linespoints pointtype 5 pointsize 1.0 \
           linecolor rgb plain_colour[i % 2 + 1] dashtype 2 title columnheader(1) noenhanced
  }
  unset label 1
  first_block = coded_block + 2 * configurations
}
unset multiplot
