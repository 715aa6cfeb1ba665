#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Says that make knows no variable $1, and which of the other arguments is meant, or all of them.
exec awk '
  function smallest(a, b, c) { a = a < b ? a : b; return a < c ? a : c }

  # Letters to insert, remove or replace, at least.
  function distance(a, b,   i, j, d, la, lb) {
    la = length(a); lb = length(b)
    for (i = 0; i <= la; i++) d[i, 0] = i
    for (j = 0; j <= lb; j++) d[0, j] = j
    for (i = 1; i <= la; i++)
      for (j = 1; j <= lb; j++)
        d[i, j] = smallest(d[i-1, j] + 1, d[i, j-1] + 1,
                           d[i-1, j-1] + (substr(a, i, 1) != substr(b, j, 1)))
    return d[la, lb]
  }

  BEGIN {
    least = length(ARGV[1])
    for (k = 2; k < ARGC; k++) {
      all = all (k == 2 ? "" : ", ") ARGV[k]
      steps = distance(toupper(ARGV[1]), ARGV[k])
      if (steps < least && 2 * steps <= length(ARGV[k])) { least = steps; nearest = ARGV[k] }
    }
    printf "there is no variable %s; ", ARGV[1]
    print nearest != "" ? "the nearest is " nearest : "there are " all
  }' "$@"
