# SPDX-License-Identifier: LGPL-2.1-or-later
# From the lines of scale.sh: a report in Markdown on standard output, and a plot in the file named by svg=.

function fit(tool, op, i, n, sx, sy, sxx, sxy, x, y) { # least squares; slope in microseconds for each guest
  for (i = 1; i <= points[tool, op]; i++) {
    x = at[tool, op, i]; y = total[tool, op, i] * 1e6
    n++; sx += x; sy += y; sxx += x * x; sxy += x * y
  }
  if (n < 2 || n * sxx == sx * sx) return "-"
  return sprintf("%.1f", (n * sxy - sx * sy) / (n * sxx - sx * sx))
}

# Of xl among its own guests, or else among xlx's.
function of_xl(op, n) { return (("xl", op, n) in cost) ? cost["xl", op, n] : (("xl-among", op, n) in cost) ? cost["xl-among", op, n] : "" }
function xl_seconds(op, n) {
  return (("xl", op, n) in cost) ? seconds("xl", op, n) : (("xl-among", op, n) in cost) ? seconds("xl-among", op, n) "*" : "-"
}

function shown(s) { return s != "" ? sprintf("%.4f", s) : "-" }
function once(what, n, xl, xlx) { # a row of what is measured at one number of guests each
  printf "| %s | %s | %s | %s | %s |\n", what, n, shown(xl), shown(xlx), ratio(xl, xlx)
}

function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.1f", a / b) : "-" }
function seconds(tool, op, n) { return (tool, op, n) in cost ? sprintf("%.4f", cost[tool, op, n]) : "-" }

function px(x) { return 70 + 640 * x / max_x }
function py(y) { return 330 - 290 * y / max_y }

function line(tool, op, colour, dash, i, path) {
  for (i = 1; i <= points[tool, op]; i++)
    path = path sprintf("%s%.1f,%.1f", i > 1 ? " " : "", px(at[tool, op, i]), py(total[tool, op, i] * 1000))
  printf "<polyline fill='none' stroke='%s' stroke-width='2'%s points='%s'/>\n", colour, dash, path >svg
  i = points[tool, op]
  printf "<text x='%.1f' y='%.1f' fill='%s'>%s %s</text>\n", px(at[tool, op, i]) + 4, py(total[tool, op, i] * 1000) - 4, colour, tool, op >svg
}

function plot(i, y) {
  printf "<svg xmlns='http://www.w3.org/2000/svg' width='800' height='380' font-family='sans-serif' font-size='12'>\n" >svg
  printf "<rect width='800' height='380' fill='white'/>\n<text x='70' y='20'>milliseconds of one operation over the guests that are there</text>\n" >svg
  for (i = 0; i <= 5; i++) {
    y = max_y * i / 5
    printf "<line x1='70' x2='710' y1='%.1f' y2='%.1f' stroke='#ddd'/><text x='62' y='%.1f' text-anchor='end'>%.0f</text>\n", py(y), py(y), py(y) + 4, y >svg
    printf "<text x='%.1f' y='350' text-anchor='middle'>%d</text>\n", px(max_x * i / 5), max_x * i / 5 >svg
  }
  line("xl", "create", "#c0392b", ""); line("xl", "destroy", "#c0392b", " stroke-dasharray='5 3'")
  line("xl", "list", "#e59866", "")
  line("xlx", "create", "#1f618d", ""); line("xlx", "destroy", "#1f618d", " stroke-dasharray='5 3'")
  line("xlx", "list", "#5dade2", "")
  print "</svg>" >svg
}

$1 == "memory" { memory[$2] = $4 / $3; next }
NF == 7 {
  i = ++points[$1, $3]
  at[$1, $3, i] = $2; total[$1, $3, i] = $4; own[$1, $3, i] = $5; store[$1, $3, i] = $6; console[$1, $3, i] = $7
  cost[$1, $3, $2] = $4
  if ($3 !~ /flight|all|devices|row/ && $1 != "xl-among") {
    if ($2 > max_x) max_x = $2
    if ($4 * 1000 > max_y) max_y = $4 * 1000
  }
}

END {
  if (!max_x) max_x = 1
  split("create destroy pause-by-name list", ops, " ")
  print "# Cost over the number of guests\n"
  print "Written by `lab/bench --scale`: PVH guests of 4 MiB without devices, one boot, a clock that counts instructions; seconds."
  print "\"Own\" is the command's process with the hypercalls it makes, which the kernel cannot tell apart; the rest of \"all\" is"
  print "Xen's work for others, the kernel's, and that of uvp-hostd, which runs while xlx is measured. \"Floor\""
  print "is the same hypercalls and requests in a bare loop, and a process that does nothing to start. A * marks xl among guests of xlx,"
  print "which have no process with a connection to xenstored each, as those of xl have; one try each.\n"
  print "![plot](scale.svg)\n"
  print "| operation | guests there | xl, all | xlx, all | xl / xlx | floor | xlx / floor | xlx: own | xenstored | xenconsoled |"
  print "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
  for (o = 1; o in ops; o++)
    for (i = 1; i <= points["xlx", ops[o]]; i++) {
      n = at["xlx", ops[o], i]
      printf "| %s | %d | %s | %.4f | %s | %s | %s | %.4f | %.4f | %.4f |\n", ops[o], n, xl_seconds(ops[o], n), total["xlx", ops[o], i], \
        ratio(of_xl(ops[o], n), total["xlx", ops[o], i]), seconds("floor", ops[o], n), ratio(total["xlx", ops[o], i], cost["floor", ops[o], n]), own["xlx", ops[o], i], store["xlx", ops[o], i], console["xlx", ops[o], i]
    }
  print "\nWhat each guest that is there adds, by a line fitted to the above, in microseconds:\n"
  print "| operation | xl | xlx |\n|---|---:|---:|"
  for (o = 1; o in ops; o++) printf "| %s | %s | %s |\n", ops[o], fit("xl", ops[o]), fit("xlx", ops[o])
  print "\n| what | guests there | xl, all | xlx, all | xl / xlx |\n|---|---:|---:|---:|---:|"
  for (i = 1; i <= points["xlx", "pool-create"]; i++) {
    n = at["xlx", "pool-create", i]
    once("create from the pool", n, of_xl("create", n), total["xlx", "pool-create", i])
  }
  split("create-with-devices destroy-with-devices", pair, " ")
  for (o = 1; o in pair; o++)
    once(substr(pair[o], 1, index(pair[o], "-") - 1) " with a disk and an interface", 0, cost["xl", pair[o], 0], cost["xlx", pair[o], 0])
  for (i = 1; i <= points["xlx", "destroy-in-a-row"]; i++) {
    n = at["xlx", "destroy-in-a-row", i]
    once("destroys in a row, each", n " to 0", of_xl("destroy-in-a-row", n), total["xlx", "destroy-in-a-row", i])
  }
  for (i = 1; i <= points["xl", "destroy-in-a-row"]; i++) {
    n = at["xl", "destroy-in-a-row", i]
    if (!(("xlx", "destroy-in-a-row", n) in cost)) once("destroys in a row, each", n " to 0", total["xl", "destroy-in-a-row", i], "")
  }
  if (points["xlx", "create-in-flight"]) {
    print "\n64 creations by one `xlx create --jobs N`, each, with none there before; 0: one alone:\n"
    print "| in flight | all | xenstored | xenconsoled |\n|---:|---:|---:|---:|"
  }
  for (i = 1; i <= points["xlx", "create-in-flight"]; i++)
    printf "| %d | %.4f | %.4f | %.4f |\n", at["xlx", "create-in-flight", i], total["xlx", "create-in-flight", i], \
      store["xlx", "create-in-flight", i], console["xlx", "create-in-flight", i]
  if (points["xlx", "destroy-all"])
    printf "\n`xlx destroy --all` of %d guests: %.4f each, of which xenstored %.4f, xenconsoled %.4f.\n", at["xlx", "destroy-all", 1], \
      total["xlx", "destroy-all", 1], store["xlx", "destroy-all", 1], console["xlx", "destroy-all", 1]
  print ""
  for (tool in memory) printf "Memory of domain 0 for each guest of %s: %.0f KiB.\n", tool, memory[tool]
  plot()
}
