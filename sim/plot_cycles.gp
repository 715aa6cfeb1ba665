# SPDX-License-Identifier: Apache-2.0
# Draws where a rank's cycles go, a panel per length of the context, a bar per design.
# sw/performance/comparison_files.h calls it with these variables:
#   data      file of blocks, one per panel: lines of a quoted design and its cycles, part by part
#   picture   PNG to write
#   titles    of the panels, a line each
#   parts     names of the parts, a line each

array part[20]
count = 0
left = parts
while (strlen(left) > 0) {
  line_end = strstrt(left, "\n")
  count = count + 1
  part[count] = left[1:line_end - 1]
  left = left[line_end + 1:*]
}
panels = 0
left = titles
while (strlen(left) > 0) {
  panels = panels + 1
  left = left[strstrt(left, "\n") + 1:*]
}
row_height = 380
height = panels * row_height
width = 1120

set terminal pngcairo size width, height font 'Sans,10' background rgb '#ffffff'
set output picture
set multiplot

ink = '#30343b'
pale = '#d9dce1'
array colour[8] = ['#1d4ed8', '#0e7490', '#a16207', '#eab308', '#7b8494', '#c2410c', '#a21caf', '#15803d']

set border 3 linecolor rgb ink
set tics nomirror out scale 0.5 textcolor rgb ink
set xtics font 'Sans,8'
set grid ytics linecolor rgb pale linewidth 1
set key outside right top vertical Left reverse invert textcolor rgb ink samplen 1.5 spacing 1.2
set style data histograms
set style histogram rowstacked
set style fill solid 1.0 noborder
set boxwidth 0.6
set ylabel 'memory cycles of one round' offset 0.6, 0 textcolor rgb ink
set yrange [0:*]
set lmargin at screen 85.0 / width
set rmargin at screen 1.0 - 270.0 / width

left = titles
do for [panel = 1:panels] {
  line_end = strstrt(left, "\n")
  name = left[1:line_end - 1]
  left = left[line_end + 1:*]
  set tmargin at screen 1.0 - ((panel - 1.0) * row_height + 40) / height
  set bmargin at screen 1.0 - (panel * row_height - 40.0) / height
  set label 1 name at graph 0, graph 1.06 font 'Sans,12' textcolor rgb ink noenhanced
  plot for [i = 1:count] data index panel - 1 using (column(i + 1)):xticlabels(1) linecolor rgb colour[(i - 1) % 8 + 1] \
         title part[i] noenhanced
  unset label 1
}
unset multiplot
